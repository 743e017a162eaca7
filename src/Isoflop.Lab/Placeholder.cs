namespace Isoflop.Lab;
