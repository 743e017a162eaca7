namespace Isoflop;

/// <summary>
/// The user's setting cannot be used. The message says what, the value, the rule and the next step; exit code 2.
/// </summary>
public sealed class ConfigException(string message) : Exception(message);

/// <summary>A file cannot be used. The message names the file, the place in it and the next step; exit code 2.</summary>
public sealed class DataException(string message, Exception? cause = null) : Exception(message, cause);
