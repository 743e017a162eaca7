namespace Isoflop.Web.Home;

/// <summary>A run as lists and live pages show it. What is not known is null.</summary>
/// <param name="Status">done, running, stopped, fault, broken</param>
/// <param name="Kind">what it learns from: text, demonstrations, rewards</param>
/// <param name="Study">that planned it; empty: none</param> <param name="Parameters">all of them</param>
/// <param name="Steps">to be done</param> <param name="Tokens">trained on so far</param>
/// <param name="Flops">spent on training so far</param> <param name="Seconds">of training so far</param>
/// <param name="Loss">of the last step, nats a token</param> <param name="ValidLoss">last on held-out text, nats a token</param>
/// <param name="PeakShare">FLOPs a second over the machine's peak, last step</param> <param name="Problem">why it is
/// broken</param>
/// <param name="Pid">of the process that holds it, where it runs on this host; 0: none</param>
sealed record RunLine(string Name, string Status, string Kind, string Study, string Corpus, long Parameters, int Step, int Steps,
    long Tokens, double Flops, double Seconds, double? Loss, double? ValidLoss, double? BitsPerByte, double? TokensPerSecond,
    double? PeakShare, DateTime Created, string Problem, int Pid);

/// <summary>A study as lists show it.</summary>
/// <param name="Low">budget, FLOPs</param> <param name="High">budget, FLOPs</param> <param name="Runs">planned, later ones left
/// out</param>
/// <param name="Running">a ladder trains it now</param> <param name="Best">least held-out loss so far, nats a token</param>
sealed record StudyLine(string Name, string Corpus, double? Low, double? High, int Runs, int Done, bool Running, double? Best,
    string Problem);

/// <summary>What changed in a home since a version.</summary>
/// <param name="Whole">forget all of before</param> <param name="Scanned">folders of runs read of <paramref name="Total"/> at the
/// first look</param>
/// <param name="Gone">names of runs that are no more</param> <param name="Jobs">what pages started, all of them</param>
sealed record HomeChange(string Root, string Program, bool CanStart, long Version, bool Whole, int Scanned, int Total,
    IReadOnlyList<RunLine> Runs, IReadOnlyList<string> Gone, IReadOnlyList<StudyLine> Studies, IReadOnlyList<string> Corpora,
    IReadOnlyList<JobLine> Jobs);

/// <summary>A process that a page started.</summary>
/// <param name="Command">as one would type it</param> <param name="State">running, stopping, ended</param>
/// <param name="Exit">its code, once it ended</param> <param name="Output">its last lines</param>
sealed record JobLine(int Id, string Command, string State, int? Exit, DateTime Started, IReadOnlyList<string> Output);
