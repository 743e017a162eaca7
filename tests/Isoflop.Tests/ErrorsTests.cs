using Xunit;

namespace Isoflop.Tests;

public class ErrorsTests
{
    [Fact]
    public void Message_is_kept() => Assert.Equal("m", new ConfigException("m").Message);
}
