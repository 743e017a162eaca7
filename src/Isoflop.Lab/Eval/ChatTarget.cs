namespace Isoflop.Lab.Eval;
public sealed class ChatTarget { internal const string ByLetter = "asked by letter"; }
