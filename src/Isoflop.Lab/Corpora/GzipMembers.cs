using System.IO.Compression;

namespace Isoflop.Lab.Corpora;

/// <summary>
/// The members of a gzip file as one stream, read as gzip(1) reads them: zeros between and behind them are padding. Where
/// anything else stands, GZipStream alone would end without a word, and what follows were lost; so it would where the last
/// bytes are missing.
/// </summary>
sealed class GzipMembers : ForwardStream
{
    readonly Sealed file;
    GZipStream member;
    long start;                                                  // of the member, or of the first of those that follow each other

    /// <param name="file">can seek; disposed of with this</param>
    public GzipMembers(Stream file)
    {
        this.file = new(file);
        member = Open();
    }

    GZipStream Open() => new(file, CompressionMode.Decompress, leaveOpen: true);

    /// <exception cref="InvalidDataException">A damaged member, one cut short, or bytes behind one that are none.</exception>
    public override int Read(Span<byte> buffer)
    {
        while (true)
        {
            int n;
            try
            {
                n = member.Read(buffer);
            }
            catch (InvalidDataException e) when (e.Message.Contains("unsupported", StringComparison.Ordinal))
            {
                // What the library says of a checksum that does not fit, too.
                throw new InvalidDataException("its gzip data are damaged; fetch it again", e);
            }
            if (n > 0 || buffer.IsEmpty) return n;
            if (!Next()) return 0;
        }
    }

    /// <summary>Goes on to the next member; it stands where the one before was left, or behind zeros.</summary>
    bool Next()
    {
        long end = End(), at = end;
        if (end > file.Length) throw new InvalidDataException("the archive is cut short");
        Span<byte> next = stackalloc byte[2];
        for (file.Position = at; at < file.Length; at++)
            if ((next[0] = (byte)file.ReadByte()) != 0) break;
        if (at == file.Length) return false;
        next[1] = (byte)file.ReadByte();
        if (next is not [0x1F, 0x8B])
            throw new InvalidDataException($"the archive ends at byte {end}, and {file.Length - at} bytes of something else " +
                $"follow; if they are not wanted, cut them off: head -c {end}");
        file.Position = start = at;
        member.Dispose();
        member = Open();
        return true;
    }

    /// <summary>Where the members that were read end. GZipStream takes more than that, by one byte where it gets them one by
    /// one; what it got in one piece is read again so.</summary>
    long End()
    {
        if (file.Position > file.Slow) return file.Position - 1;
        (long piece, long usual) = (file.Piece, file.Slow);
        (file.Position, file.Slow) = (start, piece);
        using GZipStream again = Open();
        byte[] buffer = new byte[1 << 16];
        while (again.Read(buffer) > 0) { }
        file.Slow = usual;
        return file.Position - 1;
    }

    protected override void Dispose(bool disposing)
    {
        if (disposing)
        {
            member.Dispose();
            file.Dispose();
        }
        base.Dispose(disposing);
    }

    /// <summary>A file with bytes behind its end that are no gzip: a checksum that is cut takes them in and fails.</summary>
    sealed class Sealed(Stream file) : ForwardStream
    {
        const int Seal = 16, Last = 512;
        long position;

        /// <summary>From here on bytes are given one by one.</summary>
        public long Slow { get; set; } = Math.Max(0, file.Length - Last);

        /// <summary>Where the last piece began.</summary>
        public long Piece { get; private set; }

        public override int Read(Span<byte> buffer)
        {
            if (buffer.IsEmpty || position >= Length + Seal) return 0;
            buffer = buffer[..(int)(position < Slow ? Math.Min(buffer.Length, Slow - position) : 1)];
            Piece = position;
            int n = 1;
            if (position >= Length) buffer[0] = 0xFF;
            else
            {
                if (file.Position != position) file.Position = position;
                n = file.Read(buffer);
            }
            position += n;
            return n;
        }

        public override bool CanSeek => true;
        public override long Length { get; } = file.Length;
        public override long Position { get => position; set => position = value; }
        public override long Seek(long offset, SeekOrigin origin) =>
            position = offset + (origin == SeekOrigin.Begin ? 0 : origin == SeekOrigin.Current ? position : Length + Seal);

        protected override void Dispose(bool disposing)
        {
            if (disposing) file.Dispose();
            base.Dispose(disposing);
        }
    }
}
