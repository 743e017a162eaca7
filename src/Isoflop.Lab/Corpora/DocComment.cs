using System.Text;
using System.Text.RegularExpressions;
using System.Xml.Linq;

namespace Isoflop.Lab.Corpora;

/// <summary>Turns the markup of XML documentation into English text.</summary>
static partial class DocComment
{
    /// <summary>The text of an element: paragraphs, list items and code lines each on a line of their own; else single
    /// spaces.</summary>
    public static string Prose(XElement element)
    {
        var text = new Writer();
        Children(element, text);
        string prose = text.ToString();
        prose = VisualBasic().Replace(prose, "");
        return Or().Replace(prose, " Or: ").Trim();
    }

    static void Children(XElement element, Writer text)
    {
        foreach (XNode node in element.Nodes())
            if (node is XText plain) text.Words(plain.Value);
            else if (node is XElement child) Element(child, text);
    }

    static void Element(XElement e, Writer text)
    {
        switch (e.Name.LocalName)
        {
            case "see" or "seealso" or "xref" or "a":
                if (e.Attribute("langword") is { } word) text.Words(word.Value);
                else if (e.Value.Trim().Length > 0) Children(e, text);
                else if ((e.Attribute("cref") ?? e.Attribute("uid")) is { } cref) text.Words(MemberNames.Short(cref.Value));
                else if (e.Attribute("href") is { } address) text.Words(address.Value);
                break;
            case "paramref" or "typeparamref":
                text.Words(e.Attribute("name")?.Value ?? "");
                break;
            case "para" or "p" or "div" or "remark" or "content" or "ul" or "list":
                text.Break();
                Children(e, text);
                text.Break();
                break;
            case "br":
                text.Break();
                break;
            case "listheader" or "inheritdoc" or "script" or "format" or "devremarks" or "forInternalUseOnly":
                break;
            case "item" or "li":
                text.Break();
                text.Words("- ");
                Children(e, text);
                text.Break();
                break;
            case "term":
                Children(e, text);
                // A term with a description reads as "term: description".
                if (e.ElementsAfterSelf("description").Any()) text.Colon();
                break;
            case "sup":
                text.Words("^");
                Children(e, text);
                break;
            case "code" when e.Value.Trim().Contains('\n'):
                text.Block(e.Value);
                break;
            default:
                Children(e, text);
                break;
        }
    }

    /// <summary>Collects words with one space between them and at most one line break.</summary>
    sealed class Writer
    {
        readonly StringBuilder text = new();
        bool space;

        public void Words(string s)
        {
            foreach (char c in s)
                if (char.IsWhiteSpace(c))
                {
                    space = true;
                }
                else
                {
                    if (space && text.Length > 0 && text[^1] != '\n') text.Append(' ');
                    space = false;
                    text.Append(c);
                }
        }

        public void Break()
        {
            space = false;
            if (text.Length > 0 && text[^1] != '\n') text.Append('\n');
        }

        public void Colon()
        {
            space = true;
            if (text.Length > 0 && text[^1] is not (':' or '\n')) text.Append(':');
        }

        /// <summary>Lines of code, without the indentation that all of them share.</summary>
        public void Block(string code)
        {
            Break();
            string[] lines = [.. code.ReplaceLineEndings("\n").Split('\n').Select(l => l.TrimEnd())];
            int indent = lines.Where(l => l.Length > 0).Select(l => l.Length - l.TrimStart().Length).DefaultIfEmpty(0).Min();
            foreach (string line in lines.Where(l => l.Length > 0)) text.Append(line.AsSpan(indent)).Append('\n');
        }

        public override string ToString() => text.ToString();
    }

    // "null (Nothing in Visual Basic)" says one thing twice in half of the older pages.
    [GeneratedRegex(@" \(?Nothing in Visual Basic\)?")]
    private static partial Regex VisualBasic();

    [GeneratedRegex(@"\s+-or-\s+")]
    private static partial Regex Or();
}
