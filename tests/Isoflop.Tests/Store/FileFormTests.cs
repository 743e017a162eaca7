using System.IO.Compression;
using System.Text;
using Isoflop.Store;
using Xunit;

namespace Isoflop.Tests.Store;

public sealed class FileFormTests
{
    static FileForm Of(string text) => FileForms.Of(Encoding.UTF8.GetBytes(text));

    static byte[] Latin(string bytes) => Encoding.Latin1.GetBytes(bytes);

    [Theory]
    [InlineData("", nameof(FileForm.Text))]
    [InlineData("Once upon a time", nameof(FileForm.Text))]
    [InlineData("a\tb\f\u001b[1mbold\u001b[0m\b\n", nameof(FileForm.Text))]
    [InlineData("{ this is a set } of words", nameof(FileForm.Text))]
    [InlineData("[1] A reference", nameof(FileForm.Text))]
    [InlineData("{\"text\": \"a\"}\n{\"text\": \"b\"}\n", nameof(FileForm.JsonLines))]
    [InlineData("\uFEFF \r\n{\"text\": NaN}\r\n", nameof(FileForm.JsonLines))]
    [InlineData("{\"text\": \"\\ud83d\"}", nameof(FileForm.JsonLines))]
    [InlineData("[{\"role\": \"user\"}]\n[{\"role\": \"user\"}]\n", nameof(FileForm.JsonLines))]
    [InlineData("{\n  \"text\": \"a\"\n}\n", nameof(FileForm.Json))]
    [InlineData("{\"text\": \"cut", nameof(FileForm.Json))]
    [InlineData("[1, 2]", nameof(FileForm.Json))]
    [InlineData("[\n  {\"text\": \"a\"},\n", nameof(FileForm.JsonList))]
    [InlineData("[{\"text\": \"a\"}]", nameof(FileForm.JsonList))]
    [InlineData("version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 12\n", nameof(FileForm.LfsPointer))]
    [InlineData("%PDF-1.7\n", nameof(FileForm.Pdf))]
    [InlineData("BZhang was here, and left", nameof(FileForm.Text))]
    public void Text_is_told_by_its_first_line(string text, string form) => Assert.Equal(form, Of(text).ToString());

    [Theory]
    [InlineData("\u001F\u008B\u0008", nameof(FileForm.Gzip))]
    [InlineData("\u0028\u00B5\u002F\u00FD", nameof(FileForm.Zstd))]
    [InlineData("\u0050\u002A\u004D\u0018\u0004\0\0\0", nameof(FileForm.Zstd))]
    [InlineData("BZh91AY&SY", nameof(FileForm.Bzip2))]
    [InlineData("\u00FD7zXZ\0", nameof(FileForm.Xz))]
    [InlineData("PK\u0003\u0004", nameof(FileForm.Zip))]
    [InlineData("7z\u00BC\u00AF\u0027\u001C", nameof(FileForm.SevenZip))]
    [InlineData("PAR1\u0015\u0004", nameof(FileForm.Parquet))]
    [InlineData("ARROW1\0\0", nameof(FileForm.Arrow))]
    [InlineData("\u00FF\u00FF\u00FF\u00FF\u0010\u0001\0\0\u0010\0\0\0\0\0\n\0", nameof(FileForm.Arrow))]
    [InlineData("\u0089HDF\r\n\u001A\n", nameof(FileForm.Hdf5))]
    [InlineData("SQLite format 3\0", nameof(FileForm.Sqlite))]
    [InlineData("\u0093NUMPY\u0001\0", nameof(FileForm.Numpy))]
    [InlineData("\u0040\0\0\0\0\0\0\0{\"a\":{}}", nameof(FileForm.Safetensors))]
    [InlineData("\0\0\0\0\0\0\0\0\0\0\0\0", nameof(FileForm.Binary))]
    [InlineData("\u0080\u0004\u0095\u0010\0\0\0\0\0\0\0]\u0094(\u008C\u0001a", nameof(FileForm.Binary))]
    public void Other_files_are_told_by_their_mark(string bytes, string form) =>
        Assert.Equal(form, FileForms.Of(Latin(bytes)).ToString());

    [Fact]
    public void Wide_text_is_told_with_and_without_its_mark()
    {
        foreach (Encoding encoding in (Encoding[])[Encoding.Unicode, Encoding.BigEndianUnicode])
        {
            byte[] text = encoding.GetBytes("id,loss\n1,2.5\n{\"text\"");
            Assert.Equal(FileForm.Utf16, FileForms.Of(text));
            Assert.Equal(FileForm.Utf16, FileForms.Of([.. encoding.Preamble, .. text]));
        }
        foreach (Encoding encoding in (Encoding[])[Encoding.UTF32, new UTF32Encoding(bigEndian: true, byteOrderMark: true)])
        {
            byte[] text = encoding.GetBytes("{\"text\": \"a\"}\n");
            Assert.Equal(FileForm.Utf32, FileForms.Of(text));
            Assert.Equal(FileForm.Utf32, FileForms.Of([.. encoding.Preamble, .. text]));
        }
    }

    [Fact]
    public void A_tar_archive_is_told_by_its_sum()
    {
        using var archive = new MemoryStream();
        using (var tar = new System.Formats.Tar.TarWriter(archive, System.Formats.Tar.TarEntryFormat.V7, leaveOpen: true))
            tar.WriteEntry(new System.Formats.Tar.V7TarEntry(System.Formats.Tar.TarEntryType.V7RegularFile, "a.txt")
            {
                DataStream = new MemoryStream([.. "one"u8]),
            });
        byte[] bytes = archive.ToArray();
        Assert.Equal(FileForm.Tar, FileForms.Of(bytes));
        bytes[0]++;
        Assert.NotEqual(FileForm.Tar, FileForms.Of(bytes));
    }

    [Fact]
    public void A_packed_file_under_any_name_is_refused_with_what_to_do()
    {
        string path = Path.GetTempFileName();
        using (var gzip = new GZipStream(File.Create(path), CompressionMode.Compress)) gzip.Write("n,d\n"u8);
        Assert.Equal($"{path}: is compressed with gzip, not a table; unpack it first: gzip -d",
            FileForms.Of(path).Refusal(path, "a table").Message);
        File.Delete(path);
    }
}
