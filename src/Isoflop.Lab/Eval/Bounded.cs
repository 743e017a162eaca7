namespace Isoflop.Lab.Eval;

/// <summary>A stream of a stranger's, to a limit: what goes on behind it is not waited for.</summary>
sealed class Bounded(Stream inner, long most) : Stream
{
    long read;

    /// <exception cref="UnansweredException">There is more than the limit.</exception>
    public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        int now = await inner.ReadAsync(buffer, cancellationToken);
        read += now;
        return read <= most ? now
            : throw new UnansweredException($"the reply goes on after {most >> 20} MB; it was cut off there", null,
                refused: true);
    }

    public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException();
    public override bool CanRead => true;
    public override bool CanSeek => false;
    public override bool CanWrite => false;
    public override long Length => throw new NotSupportedException();
    public override long Position { get => throw new NotSupportedException(); set => throw new NotSupportedException(); }
    public override void Flush() { }
    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();
    public override void SetLength(long value) => throw new NotSupportedException();
    public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();

    protected override void Dispose(bool disposing)
    {
        if (disposing) inner.Dispose();
        base.Dispose(disposing);
    }
}
