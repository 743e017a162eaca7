// Draws src/icon.png, the packages' icon: runs of three budgets, and the line through their best sizes.
//     dotnet run tools/Icon.cs
using System.Buffers.Binary;
using System.IO.Compression;

const int Size = 128, Fine = 4;
var raw = new MemoryStream();
for (int y = 0; y < Size; y++)
{
    raw.WriteByte(0);                                            // no filter
    for (int x = 0; x < Size; x++)
    {
        double r = 0, g = 0, b = 0, a = 0;
        for (int i = 0; i < Fine * Fine; i++)
        {
            (double R, double G, double B, double A) c = At(x + (i % Fine + 0.5) / Fine, y + (i / Fine + 0.5) / Fine);
            (r, g, b, a) = (r + c.R * c.A, g + c.G * c.A, b + c.B * c.A, a + c.A);
        }
        double share = Math.Max(a, 1e-9);
        foreach (double v in (double[])[r / share, g / share, b / share, 255 * a / (Fine * Fine)])
            raw.WriteByte((byte)Math.Round(v));
    }
}
var packed = new MemoryStream();
using (var zlib = new ZLibStream(packed, CompressionLevel.SmallestSize, leaveOpen: true)) raw.WriteTo(zlib);
byte[] head = new byte[13];
BinaryPrimitives.WriteInt32BigEndian(head, Size);
BinaryPrimitives.WriteInt32BigEndian(head.AsSpan(4), Size);
(head[8], head[9]) = (8, 6);                                     // eight bits, RGB with alpha
using FileStream file = File.Create("src/icon.png");
file.Write([0x89, .. "PNG\r\n\x1a\n"u8]);
Chunk("IHDR"u8, head);
Chunk("IDAT"u8, packed.ToArray());
Chunk("IEND"u8, []);

void Chunk(ReadOnlySpan<byte> kind, byte[] data)
{
    byte[] whole = [.. kind, .. data], number = new byte[4];
    BinaryPrimitives.WriteInt32BigEndian(number, data.Length);
    file.Write(number);
    file.Write(whole);
    uint crc = ~0u;                                              // of PNG: ISO 3309
    foreach (byte one in whole)
    {
        crc ^= one;
        for (int bit = 0; bit < 8; bit++) crc = (crc & 1) == 0 ? crc >> 1 : crc >> 1 ^ 0xEDB88320;
    }
    BinaryPrimitives.WriteUInt32BigEndian(number, ~crc);
    file.Write(number);
}

static (double, double, double, double) At(double x, double y)
{
    double cx = Math.Max(Math.Abs(x - 64) - 40, 0), cy = Math.Max(Math.Abs(y - 64) - 40, 0);
    if (Math.Sqrt(cx * cx + cy * cy) > 24) return (0, 0, 0, 0);  // round corners
    for (int k = 0; k < 3; k++)                                  // a point at the bottom of each curve
        if (Math.Pow(x - 36 - 28 * k, 2) + Math.Pow(y - 58 - 20 * k, 2) < 36) return (255, 255, 255, 1);
    double along = ((x - 36) * 28 + (y - 58) * 20) / (28 * 28 + 20 * 20), off = Math.Abs((x - 36) * 20 - (y - 58) * 28) / 34.4;
    if (along is > -0.35 and < 2.6 && off < 1.8) return (255, 255, 255, 1);
    for (int k = 0; k < 3; k++)
    {
        double t = (x - 36 - 28 * k) / 22, height = 58 + 20 * k - 30 * t * t, slope = 60 * t / 22;
        if (Math.Abs(t) < 1.05 && Math.Abs(y - height) / Math.Sqrt(1 + slope * slope) < 2.2)
            return (86 + 40 * k, 180, 233 - 60 * k, 1);
    }
    return (11, 32, 66, 1);
}
