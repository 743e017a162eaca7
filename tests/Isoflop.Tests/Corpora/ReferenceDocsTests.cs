using System.Text;
using System.Xml.Linq;
using Isoflop.Lab.Corpora;
using Xunit;

namespace Isoflop.Tests.Corpora;

public sealed class ReferenceDocsTests : CorpusFixture
{
    static string Prose(string xml) => DocComment.Prose(XElement.Parse($"<summary>{xml}</summary>",
        LoadOptions.PreserveWhitespace));

    [Theory]
    [InlineData("""Is <see langword="null" /> or a <see cref="T:System.String" />.""", "Is null or a String.")]
    [InlineData("""<see cref="M:System.IO.Stream.Read(System.Byte[],System.Int32)" />, <see cref="P:A.B.C" />""",
        "Stream.Read, B.C")]
    [InlineData("""A <see cref="T:System.Collections.Generic.List`1" /> of <typeparamref name="T" />""", "A List<T> of T")]
    [InlineData("""<see cref="F:System.Int32.MaxValue">the most</see> of <paramref name="x" />""", "the most of x")]
    [InlineData("""<see cref="M:System.Uri.#ctor(System.String)" />""", "Uri")]
    [InlineData("  Many \n   spaces,\t one. ", "Many spaces, one.")]
    [InlineData("<para>One.</para>\n  <para>Two.</para>", "One.\nTwo.")]
    [InlineData("See:<list type=\"bullet\"><item><description>a</description></item><item><term>k</term>" +
        "<description>b</description></item></list>End.", "See:\n- a\n- k: b\nEnd.")]
    [InlineData("Use <c>x</c> as in <code>f(x)</code>.", "Use x as in f(x).")]
    [InlineData("Thus:<code>\n    if (a)\n        b();\n</code>Done.", "Thus:\nif (a)\n    b();\nDone.")]
    [InlineData("""The <a href="https://x.org">page</a>, <see href="https://y.org" />.""", "The page, https://y.org.")]
    [InlineData("""A <see langword="null" /> reference (<see langword="Nothing" /> in Visual Basic).""", "A null reference.")]
    [InlineData("It is less.  \n -or-  \n It is more.", "It is less. Or: It is more.")]
    [InlineData("2<sup>n</sup>", "2^n")]
    public void Markup_becomes_prose(string xml, string prose) => Assert.Equal(prose, Prose(xml));

    static string Heading(string type, string id, string own = "", string member = "") =>
        new MemberNames(type, XElement.Parse($"<m>{own}</m>")).Heading(id, XElement.Parse($"<m>{member}</m>"));

    [Theory]
    [InlineData("A.Bits", "M:A.Bits.And(A.Bits,System.Int32[])", "Bits.And(Bits, Int32[])")]
    [InlineData("A.Bits", "M:A.Bits.#ctor(System.Boolean@)", "new Bits(Boolean)")]
    [InlineData("A.Bits", "P:A.Bits.Item(System.Int32)", "Bits[Int32]")]
    [InlineData("A.Bits", "P:A.Bits.Count", "Bits.Count")]
    [InlineData("A.Bits", "M:A.Bits.op_Addition(A.Bits,A.Bits)", "Bits operator + (Bits, Bits)")]
    [InlineData("A.Bits", "M:A.Bits.op_Explicit(A.Bits)~System.Int32", "explicit conversion from Bits to Int32")]
    [InlineData("A.Map`2", "M:A.Map`2.Add(`0,System.Func{`1,System.Int32})", "Map<T1, T2>.Add(T1, Func<T2, Int32>)")]
    [InlineData("A.Map`2", "M:A.Map`2.Of``1(``0[])", "Map<T1, T2>.Of<T>(T[])")]
    [InlineData("A.Bits", "M:A.Bits.System#Collections#Generic#ICollection{System#Int32}#Add(System.Int32)",
        "ICollection<Int32>.Add(Int32) of Bits")]
    public void Ids_become_headings(string type, string id, string heading) => Assert.Equal(heading, Heading(type, id));

    [Fact]
    public void Type_parameters_have_their_own_names() => Assert.Equal("Map<TKey, TValue>.Of<TItem>(TItem, TKey)",
        Heading("A.Map`2", "M:A.Map`2.Of``1(``0,`0)", "<typeparam name='TKey'/><typeparam name='TValue'/>",
            "<typeparam name='TItem'/>"));

    [Fact]
    public void A_type_with_its_members_is_one_document_that_says_each_thing_once()
    {
        string path = Put("a.xml", """
            <doc><members>
              <member name="T:A.Bits"><summary>An array of <see cref="T:System.Boolean" /> bits.</summary></member>
              <member name="M:A.Bits.And(A.Bits)">
                <summary>Performs AND.</summary>
                <param name="value">The other array.</param>
                <exception cref="T:System.ArgumentNullException"><paramref name="value" /> is <see langword="null" />.</exception>
                <exception cref="T:System.ArgumentException">The lengths differ.</exception>
                <exception cref="T:System.NotSupportedException">.NET Core only: always.</exception>
                <returns>The current array.</returns>
              </member>
              <member name="M:A.Bits.Or(A.Bits)">
                <summary>Performs OR.</summary>
                <param name="value">The other array.</param>
                <exception cref="T:System.ArgumentNullException"><paramref name="value" /> is <see langword="null" />.</exception>
              </member>
              <member name="M:A.Bits.Or(A.Bits,System.Int32)"><summary>Performs OR.</summary></member>
              <member name="F:A.Bits.Empty"><summary>No bits.</summary></member>
              <member name="T:A.Silent" />
              <member name="T:System.Runtime.Intrinsics.X86.Sse"><summary>_mm_add_ps</summary></member>
            </members></doc>
            """);
        Assert.Equal(["""
            Bits, in A
            An array of Boolean bits.

            Bits.And(Bits)
            Performs AND.
            value: The other array.
            Returns: The current array.
            Throws ArgumentNullException when value is null.
            Throws ArgumentException when the lengths differ.
            Throws NotSupportedException: .NET Core only: always.

            Bits.Or(Bits)
            Performs OR.

            Bits.Empty: No bits.
            """.ReplaceLineEndings("\n")], ReferenceDocs.Parse(path).Select(d => Encoding.UTF8.GetString(d.Utf8.Span)));
    }

    [Fact]
    public void The_newest_version_of_each_pack_is_read_once()
    {
        Put("dotnet/packs/Microsoft.AspNetCore.App.Ref/10.0.1/ref/net10.0/A.xml", "<doc>same</doc>");
        Put("dotnet/packs/Microsoft.AspNetCore.App.Ref/10.0.1/ref/net10.0/C.xml", "<doc/>");
        Put("dotnet/packs/Microsoft.NETCore.App.Ref/9.0.11/ref/net9.0/A.xml", "<doc>old</doc>");
        Put("dotnet/packs/Microsoft.NETCore.App.Ref/10.0.1/ref/net10.0/A.xml", "<doc>same</doc>");
        Put("dotnet/packs/Microsoft.NETCore.App.Ref/10.0.1/ref/net10.0/B.xml", "<doc/>");
        Put("dotnet/packs/Microsoft.NETCore.App.Host/10.0.1/runtimes/x.xml", "<doc/>");
        var found = ReferenceDocs.Find([Path.Combine(Folder, "none"), Path.Combine(Folder, "dotnet")]);
        Assert.Equal(["Microsoft.NETCore.App.Ref 10.0.1: A.xml B.xml", "Microsoft.AspNetCore.App.Ref 10.0.1: C.xml"],
            found.Select(p => $"{p.Pack}: {string.Join(' ', p.Files.Select(f => Path.GetFileName(f.Path)))}"));
    }

    [Fact]
    public void A_machine_without_an_SDK_is_told_where_it_was_looked_for()
    {
        var e = Assert.Throws<ConfigException>(() => ReferenceDocs.Find([Path.Combine(Folder, "none")]));
        Assert.Contains(Path.Combine(Folder, "none", "packs"), e.Message);
        Assert.Contains("isoflop corpus ./texts", e.Message);
    }

    [Fact]
    public void Broken_documentation_is_named()
    {
        string path = Put("a.xml", "<doc><members>");
        Assert.StartsWith(path, Assert.Throws<DataException>(() => ReferenceDocs.Parse(path)).Message);
    }

    [Fact]
    public void The_default_corpus_is_English_of_several_megabytes()
    {
        try
        {
            ReferenceDocs.Find();
        }
        catch (ConfigException)
        {
            Assert.Skip("this .NET SDK carries no reference documentation");
        }
        CorpusBuild build = Build(new CorpusRecipe { Vocab = 1024 });
        Assert.Equal("reference", build.Info.Name);
        Assert.InRange(build.Info.Train.Bytes, 5e6, 50e6);
        Assert.InRange(build.Info.Valid.Bytes, 90e3, 200e3);
        List<string> valid = Sides(build).Valid;
        Assert.DoesNotContain(valid, d => d.Contains("<see") || d.Contains("T:System") || d.Contains("}}."));
        // The ten commonest words of English are a fifth of it or more.
        string[] words = [.. valid.SelectMany(d => d.ToLowerInvariant().Split(' ', '\n'))];
        HashSet<string> common = ["the", "of", "a", "to", "is", "in", "that", "and", "for", "or"];
        Assert.True(words.Count(common.Contains) > 0.2 * words.Length,
            $"{words.Count(common.Contains) / (double)words.Length:P1}");
    }
}
