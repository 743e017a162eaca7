using Isoflop.Lab.Inference;
using Isoflop.Store;
using Isoflop.Tests.Rl;
using Isoflop.Train;
using Microsoft.Extensions.AI;
using Xunit;

namespace Isoflop.Tests.Inference;

public sealed class ModelPoolTests(TaughtModels models) : IClassFixture<TaughtModels>
{
    string Texts => Path.Combine(models.Here.Root, "texts");

    [Fact]
    public async Task Runs_with_a_checkpoint_and_given_folders_are_there_and_a_name_leads_nowhere_else()
    {
        Directory.CreateDirectory(models.Here.RunFolder("empty"));
        using var pool = new ModelPool(models.Here, new Dictionary<string, string> { ["texts"] = Texts });
        Assert.Equal(["chat", "tasks", "texts"], pool.List().Select(m => m.Name));
        foreach (string name in (string[])["empty", "../texts", Texts, "..", "", "chat@7x", "chat@-1", "runs/chat", "chat/", "CHAT", "chat\0", "../runs/chat@1"])
            Assert.StartsWith("there is no model", (await Assert.ThrowsAsync<UnknownModelException>(() => pool.Take(name))).Message);
        Assert.Contains("there are: chat, tasks, texts", (await Assert.ThrowsAsync<UnknownModelException>(() => pool.Take("x"))).Message);
        Assert.Contains("no checkpoint of step 7", (await Assert.ThrowsAsync<UnknownModelException>(() => pool.Take("chat@7"))).Message);
    }

    [Fact]
    public async Task Models_are_loaded_once_and_the_least_recently_asked_makes_room_but_none_that_is_being_asked()
    {
        using var one = new ModelPool(models.Here);
        using (var a = await one.Take("chat"))
        using (var b = await one.Take("chat")) Assert.Same(a.Engine, b.Engine);
        Assert.Equal([true, false], one.List().Select(m => m.IsLoaded));

        using var small = new ModelPool(models.Here, new Dictionary<string, string> { ["texts"] = Texts }, new(Bytes: 1));
        (await small.Take("chat")).Dispose();
        using (await small.Take("tasks"))
        {
            Assert.Equal(["tasks"], small.List().Where(m => m.IsLoaded).Select(m => m.Name));
            Assert.Contains("being asked", (await Assert.ThrowsAsync<BusyException>(() => small.Take("texts"))).Message);
        }
        (await small.Take("texts")).Dispose();
        Assert.Equal(["texts"], small.List().Where(m => m.IsLoaded).Select(m => m.Name));
    }

    [Fact]
    public async Task A_newer_checkpoint_is_loaded_for_who_asks_then_and_who_asked_before_ends_with_the_old()
    {
        // A run whose newest checkpoint is that of one model, and then, further on, that of another of the same shape.
        string run = Directory.CreateDirectory(models.Here.RunFolder("moves")).FullName;
        Copy("chat", Path.Combine(run, Checkpoint.NameOf(3)));
        using var pool = new ModelPool(models.Here, limits: new(Engine: new(2, 8, 16)));
        using ModelPool.ModelLease before = await pool.Take("moves");
        Copy("tasks", Path.Combine(run, Checkpoint.NameOf(12)));
        Directory.Delete(Path.Combine(run, Checkpoint.NameOf(3)), recursive: true);
        ReplyRequest asked = new() { Prompt = [1, 2, 3], MaxTokens = 8, Rule = new(1), Seed = 1, Tops = 0 };
        float LogProb(ModelPool.ModelLease lease)
        {
            LiveReply reply = lease.Engine.Submit([asked])[0];
            Assert.NotNull(reply.Whole(default).Result.Ending);
            return reply.Scores![3];
        }
        float old = LogProb(before);
        using (ModelPool.ModelLease after = await pool.Take("moves"))
        {
            Assert.NotEqual(before.Fingerprint, after.Fingerprint);
            Assert.NotEqual(old, LogProb(after));
            Assert.Equal(old, LogProb(before));
            using ModelPool.ModelLease again = await pool.Take("moves@12");
            Assert.Equal(LogProb(after), LogProb(again));
        }
        before.Dispose();
        Directory.Delete(run, recursive: true);
    }

    void Copy(string run, string to)
    {
        string from = Path.Combine(models.Here.RunFolder(run), Checkpoint.NameOf(Checkpoint.StepsIn(models.Here.RunFolder(run))[^1]));
        Directory.CreateDirectory(to);
        foreach (string file in Directory.GetFiles(from)) File.Copy(file, Path.Combine(to, Path.GetFileName(file)));
    }

    [Fact]
    public async Task A_model_that_cannot_be_loaded_names_its_file_and_is_tried_anew_when_it_is_mended()
    {
        string run = Directory.CreateDirectory(models.Here.RunFolder("hurt")).FullName, folder = Path.Combine(run, Checkpoint.NameOf(3));
        Copy("chat", folder);
        string file = Path.Combine(folder, ModelFolder.ModelFile);
        byte[] whole = File.ReadAllBytes(file);
        using var pool = new ModelPool(models.Here);
        File.WriteAllBytes(file, whole[..(whole.Length / 2)]);
        Assert.Contains(ModelFolder.ModelFile, (await Assert.ThrowsAsync<DataException>(() => pool.Take("hurt"))).Message);
        File.WriteAllBytes(file, whole);
        (await pool.Take("hurt")).Dispose();
        Directory.Delete(run, recursive: true);
    }

    [Fact]
    public async Task A_chat_client_streams_what_it_says_at_once_with_thought_apart_and_usage_last()
    {
        using IsoflopChatClient chat = IsoflopChatClient.Open(models.Here, "chat"), tasks = IsoflopChatClient.Open(models.Here, "tasks");
        ChatOptions options = new() { Seed = 3, MaxOutputTokens = 20, Temperature = 1, Reasoning = new() { Effort = ReasoningEffort.High } };
        foreach (IsoflopChatClient client in (IsoflopChatClient[])[chat, tasks])
        {
            ChatResponse whole = await client.GetResponseAsync("0101", options);
            List<ChatResponseUpdate> updates = [];
            await foreach (ChatResponseUpdate update in client.GetStreamingResponseAsync("0101", options)) updates.Add(update);
            Assert.Equal(whole.Text, string.Concat(updates.Select(u => u.Text)));
            Assert.Equal(whole.Usage!.OutputTokenCount, updates[^1].Contents.OfType<UsageContent>().Single().Details.OutputTokenCount);
            Assert.Equal(whole.FinishReason, updates[^1].FinishReason);
            string thought = string.Concat(whole.Messages.SelectMany(m => m.Contents).OfType<TextReasoningContent>().Select(c => c.Text));
            Assert.Equal(client == tasks, thought.Length > 0);
            Assert.Equal(client == tasks, whole.Usage.ReasoningTokenCount > 0);
        }
        options.AdditionalProperties = new() { [IsoflopChatClient.ThinkingBudget] = 2 };
        Assert.InRange((await tasks.GetResponseAsync("0101", options)).Usage!.ReasoningTokenCount!.Value, 0, 3);
        Assert.Equal("isoflop", ((ChatClientMetadata)chat.GetService(typeof(ChatClientMetadata))!).ProviderName);
        Assert.Contains("Tools", (await Assert.ThrowsAsync<ConfigException>(() => chat.GetResponseAsync("5", new() { Tools = [AIFunctionFactory.Create(() => 1)] }))).Message);
        Assert.Contains("the model's context is 64", (await Assert.ThrowsAsync<ConfigException>(() => chat.GetResponseAsync(new string('x', 70)))).Message);
        using IsoflopChatClient texts = IsoflopChatClient.Open(models.Here, Texts), none = IsoflopChatClient.Open(models.Here, "none");
        Assert.Contains("taught neither chats nor tasks", (await Assert.ThrowsAsync<ConfigException>(() => texts.GetResponseAsync("5"))).Message);
        Assert.Contains("there are: chat, tasks", (await Assert.ThrowsAsync<ConfigException>(() => none.GetResponseAsync("5"))).Message);
    }
}
