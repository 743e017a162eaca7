using System.Text;

namespace Isoflop.Cli;

/// <summary>
/// Text for people's terminals and files: control characters, which a model, a name or a server may have written, are shown and
/// not sent.
/// </summary>
/// <param name="courtesy">what cannot be written is dropped: a run does not die with the terminal that watched it</param>
sealed class PlainWriter(TextWriter inner, bool courtesy) : TextWriter
{
    bool raw;

    public override Encoding Encoding => inner.Encoding;

    /// <summary>The same where colours and cursor moves go too: what is drawn there must be <see cref="Shown"/> first.</summary>
    public PlainWriter Raw => new(inner, courtesy) { raw = true };

    /// <summary>The same text with every control character but tabs and line ends as its picture: ESC as ␛.</summary>
    public static string Shown(string text) => text.Any(IsSent) ? string.Concat(text.Select(Picture)) : text;

    // C1 too: a terminal may take U+009B for ESC [. And what turns the direction of the text around.
    static bool IsSent(char c) => c is < ' ' and not ('\t' or '\n' or '\r') or >= '\u007f' and <= '\u009f'
        or >= '\u202a' and <= '\u202e' or >= '\u2066' and <= '\u2069';

    static char Picture(char c) => !IsSent(c) ? c : c < ' ' ? (char)('\u2400' + c) : c == '\u007f' ? '\u2421' : '\uFFFD';

    public override void Write(char value) => Send(() => inner.Write(raw ? value : Picture(value)));

    public override void Write(char[] buffer, int index, int count) => Write(new string(buffer, index, count));

    public override void Write(ReadOnlySpan<char> buffer) => Write(buffer.ToString());

    public override void Write(string? value)
    {
        if (value is not null) Send(() => inner.Write(raw ? value : Shown(value)));
    }

    public override void WriteLine(string? value) => Write(value + inner.NewLine);

    public override void Flush() => Send(inner.Flush);

    void Send(Action write)
    {
        try
        {
            write();
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or ObjectDisposedException)
        {
            if (!courtesy) throw new DataException($"standard output cannot be written: {e.Message}", e);
        }
    }
}
