using System.Text.Json.Serialization;
using Isoflop.Web.Home;
using Isoflop.Web.Jobs;

namespace Isoflop.Web.Pages;

/// <summary>A command, before it is started.</summary>
sealed record CommandView(string Command);

/// <summary>A job that is to stop.</summary>
sealed record StopAsked(int Id);

/// <summary>All that goes between the pages and here; web/src/api.ts is written from it.</summary>
[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower)]
[JsonSerializable(typeof(HomeChange))]
[JsonSerializable(typeof(SeriesView))]
[JsonSerializable(typeof(RunView))]
[JsonSerializable(typeof(LawPage))]
[JsonSerializable(typeof(IReadOnlyList<WorkerLine>))]
[JsonSerializable(typeof(MapView))]
[JsonSerializable(typeof(IReadOnlyList<MapItem>))]
[JsonSerializable(typeof(ThinkingView))]
[JsonSerializable(typeof(WordsAsked))]
[JsonSerializable(typeof(NextView))]
[JsonSerializable(typeof(IReadOnlyList<LossView>))]
[JsonSerializable(typeof(IReadOnlyList<ClimbView>))]
[JsonSerializable(typeof(StartAsked))]
[JsonSerializable(typeof(StopAsked))]
[JsonSerializable(typeof(CommandView))]
[JsonSerializable(typeof(Trouble))]
sealed partial class PagesJson : JsonSerializerContext;
