#:project ../src/Isoflop.Lab/Isoflop.Lab.csproj
// Asks a model behind an OpenAI-compatible endpoint a suite of questions.
//   dotnet run samples/endpoint.cs                                  a stand-in on this machine that errs now and then
//   dotnet run samples/endpoint.cs http://localhost:8000/v1 MODEL   yours; its key is read from OPENAI_API_KEY
using System.Net;
using System.Text;
using System.Text.RegularExpressions;
using Isoflop.Lab.Eval;
using Isoflop.Store;

HttpListener? standIn = args.Length == 0 ? StandIn() : null;
string url = args.Length > 0 ? args[0] : standIn!.Prefixes.First();

// A suite is items with ids. Those of one template vary together, so intervals are clustered by it.
var suite = new EvalSuite("sums", [.. Enumerable.Range(0, 60).Select(i => new EvalItem
{
    Id = $"sum-{i}",
    Task = "sums",
    Level = i % 2 + 1,
    Template = i % 3 == 0 ? "words" : "signs",
    Prompt = i % 3 == 0 ? $"What is {7 * i} plus {i}?" : $"{7 * i} + {i} =",
    Answer = $"{8 * i}",
})]);

// Requests run side by side; busy answers are waited out; what failed can be asked again, what is known is not.
using ChatTarget target = ChatTarget.Open(url, new() { Model = args.Length > 1 ? args[1] : "stand-in", MaxTokens = 16 });
IReadOnlyList<ItemResult> results = EvalRun.Ask(target, suite, new Workspace(), file: null);

// Scores with intervals, all together and by level.
foreach (EvalRow row in new EvalReport(results).Rows.Where(r => r.Slice is "all" or "task level"))
    Console.WriteLine($"{row.Slice,-10} {row.Level,2}  {row.Items,3} items  {100 * row.Accuracy.Mean:0} % right " +
        $"({100 * row.Accuracy.Low:0} … {100 * row.Accuracy.High:0})");
Console.WriteLine(target.Spent);
standIn?.Stop();

// Adds the two numbers of a question; every seventh it gets wrong.
static HttpListener StandIn()
{
    var listener = new HttpListener { Prefixes = { $"http://127.0.0.1:{20000 + Environment.ProcessId % 20000}/" } };
    listener.Start();
    _ = Task.Run(async () =>
    {
        while (listener.IsListening)
        {
            HttpListenerContext call = await listener.GetContextAsync();
            string asked = await new StreamReader(call.Request.InputStream).ReadToEndAsync();
            string question = Regex.Unescape(asked[asked.LastIndexOf("\"content\"")..]);
            int sum = Regex.Matches(question, @"\d+").Take(2).Sum(m => int.Parse(m.Value));
            call.Response.Close(Encoding.UTF8.GetBytes($$$"""
                {"model": "stand-in", "usage": {"prompt_tokens": 20, "completion_tokens": 3}, "choices": [{"index": 0,
                "message": {"role": "assistant", "content": "{{{sum + (sum % 7 == 3 ? 1 : 0)}}}"}, "finish_reason": "stop"}]}
                """), willBlock: true);
        }
    });
    return listener;
}
