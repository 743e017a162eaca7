using System.Globalization;

namespace Isoflop.Store;

/// <summary>When a piece of work passes to another worker.</summary>
/// <param name="Lease">without a sign of life, by the watcher's own clock</param>
/// <param name="Failures">after so many of its own a piece is given up</param>
/// <param name="Losses">after so many workers that died with it or were told to stop</param>
readonly record struct ClaimRules(TimeSpan Lease, int Failures = 2, int Losses = 100);

/// <summary>What came of asking for a piece of work.</summary>
enum ClaimAnswer
{
    /// <summary>It is ours.</summary>
    Won,
    /// <summary>Another works on it.</summary>
    Held,
    /// <summary>Somebody finished it.</summary>
    Done,
    /// <summary>It failed too often.</summary>
    GivenUp,
}

/// <summary>
/// Which worker does which piece of work, where processes of many hosts see one folder. The k-th claim on a piece is the file
/// claims/PIECE.00000k, which only one process can create; how it ended is a second file beside it.
/// </summary>
/// <remarks>
/// It asks of the file system what NFS keeps: exclusive creation, and that a file opened anew shows what was last closed. No
/// lock, no renaming onto a name, no clock of another host. A worker that sleeps beyond its lease and wakes has lost its claim:
/// <see cref="Claim"/> is a <see cref="Fence"/>. Not thread-safe.
/// </remarks>
/// <param name="count">of workers, as far as is known</param>
sealed class Claims(Worker worker, int count, ClaimRules rules, TimeProvider clock)
{
    /// <summary>Name of the folder.</summary>
    public const string FolderName = "claims";

    const int Digits = 6;
    static readonly string[] ends = [Claim.Done, Claim.Stopped, Claim.Failed];

    readonly string folder = Directory.CreateDirectory(Path.Combine(worker.Folder, FolderName)).FullName;
    readonly Dictionary<string, Piece> pieces = [];
    readonly Dictionary<string, (byte[] Card, long Since)> seen = [];

    /// <summary>All claims on one piece.</summary>
    sealed class Piece
    {
        public int Newest, Ended, Failed;
        public string End = "";                                   // of the newest; empty: it is open
        public string? Owner;                                     // of the newest; null: not read yet
        public int Losses => Newest - Ended + (End.Length == 0 ? -1 : 0);
    }

    /// <summary>The process that claims.</summary>
    public Worker Worker => worker;

    /// <summary>Workers that share the work, as far as is known.</summary>
    public int Count => count;

    /// <summary>Reads the folder anew: one listing tells of all pieces.</summary>
    public void Look()
    {
        foreach (Piece piece in pieces.Values) (piece.Ended, piece.Failed) = (0, 0);
        foreach (string path in Directory.EnumerateFiles(folder))
        {
            string name = Path.GetFileName(path), end = ends.FirstOrDefault(e => name.EndsWith('.' + e), "");
            if (end.Length > 0) name = name[..^(end.Length + 1)];
            if (name.Length < Digits + 2 || name[^(Digits + 1)] != '.' || !int.TryParse(name.AsSpan(name.Length - Digits),
                NumberStyles.None, CultureInfo.InvariantCulture, out int number)) continue;
            string of = name[..^(Digits + 1)];
            if (!pieces.TryGetValue(of, out Piece? piece)) pieces[of] = piece = new();
            if (number > piece.Newest) (piece.Newest, piece.End, piece.Owner) = (number, "", null);
            if (end.Length == 0) continue;
            if (number == piece.Newest) piece.End = end;
            if (end == Claim.Stopped) continue;                   // as if it had died
            piece.Ended++;
            if (end == Claim.Failed) piece.Failed++;
        }
    }

    /// <summary>Asks for a piece, by what the last look saw.</summary>
    /// <param name="isDone">its result is there: a piece that is said to be done and has none after the lease was deleted</param>
    /// <exception cref="DataException">The folder cannot be written.</exception>
    public ClaimAnswer Try(string piece, Func<bool> isDone, out Claim? claim)
    {
        claim = null;
        Piece state = pieces.GetValueOrDefault(piece) ?? new();
        if (state.End == Claim.Done && isDone()) return ClaimAnswer.Done;
        if (state.Failed >= rules.Failures || state.Losses >= rules.Losses) return ClaimAnswer.GivenUp;
        if (state.Newest > 0 && (state.End == Claim.Done ? !IsSilent(PathOf(piece, state.Newest), [])
            // A worker ends its piece before it says that it is gone, and may have done both since the last look.
            : state.End.Length == 0 && (!IsDead(state.Owner ??= OwnerOf(piece, state.Newest))
                || ends.Any(e => File.Exists($"{PathOf(piece, state.Newest)}.{e}")))))
            return ClaimAnswer.Held;
        int number = state.Newest + 1;
        try
        {
            using var file = new FileStream(PathOf(piece, number), FileMode.CreateNew, FileAccess.Write, FileShare.Read);
            using var text = new StreamWriter(file);
            text.Write($"{worker.Name}\n{worker.Token}");
        }
        catch (IOException) when (File.Exists(PathOf(piece, number)))
        {
            Look();
            return ClaimAnswer.Held;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new DataException($"{folder}: cannot be written: {e.Message}", e);
        }
        pieces[piece] = new() { Newest = number, Owner = worker.Name, Ended = state.Ended, Failed = state.Failed };
        claim = new(this, piece, number);
        return ClaimAnswer.Won;
    }

    /// <summary>Does a piece that all workers need before they go on, or waits for who does it.</summary>
    /// <exception cref="DataException">It failed too often.</exception>
    /// <exception cref="OperationCanceledException">Asked to stop.</exception>
    public void WaitOrClaim(string piece, Func<bool> isDone, Action work, CancellationToken stop)
    {
        while (!isDone())
        {
            stop.ThrowIfCancellationRequested();
            Look();
            switch (Try(piece, isDone, out Claim? claim))
            {
                case ClaimAnswer.Won:
                    string end = Claim.Failed;
                    try
                    {
                        work();
                        end = Claim.Done;
                    }
                    finally
                    {
                        claim!.End(end);
                    }
                    break;
                case ClaimAnswer.GivenUp:
                    throw new DataException($"{piece}: {ReasonOf(piece)}");
                default:
                    stop.WaitHandle.WaitOne(500);
                    break;
            }
        }
    }

    /// <summary>Why a piece was given up.</summary>
    public string ReasonOf(string piece)
    {
        for (int n = pieces[piece].Newest; n > 0; n--)
            if (TextOf($"{PathOf(piece, n)}.{Claim.Failed}") is { Length: > 0 } why) return why;
        return $"{pieces[piece].Losses} workers were lost with it";
    }

    // Null and "": made a moment ago, and its maker has not written its name yet; if it never does, the lease runs out too.
    string? OwnerOf(string piece, int number) =>
        TextOf(PathOf(piece, number)) is { Length: > 0 } text ? text.Split('\n')[0] : null;

    /// <summary>A claim is the newest, and this process made it.</summary>
    internal bool IsOurs(string piece, int number) => !File.Exists(PathOf(piece, number + 1))
        && TextOf(PathOf(piece, number))?.EndsWith(worker.Token, StringComparison.Ordinal) == true;

    bool IsDead(string? owner)
    {
        if (owner == worker.Name) return true;                    // of a life before: a name has one process at a time
        byte[] card = owner is null ? [] : Worker.CardOf(worker.Folder, owner);
        if (Worker.Read(card) is { } said && Worker.IsGone(said)) return true;
        return IsSilent(owner ?? "", card);
    }

    /// <summary>What was seen under a name has not changed for the lease.</summary>
    bool IsSilent(string name, byte[] now)
    {
        if (!seen.TryGetValue(name, out (byte[] Card, long Since) was) || !was.Card.AsSpan().SequenceEqual(now))
        {
            seen[name] = (now, clock.GetTimestamp());
            return false;
        }
        return clock.GetElapsedTime(was.Since) > rules.Lease;
    }

    internal string PathOf(string piece, int number) =>
        Path.Combine(folder, string.Create(CultureInfo.InvariantCulture, $"{piece}.{number:000000}"));

    static string? TextOf(string path)
    {
        try
        {
            return File.ReadAllText(path);
        }
        catch (IOException)
        {
            return null;
        }
    }

    internal void Ended(string piece, string how)
    {
        Piece state = pieces[piece];
        state.End = how;
        if (how == Claim.Stopped) return;
        state.Ended++;
        if (how == Claim.Failed) state.Failed++;
    }
}

/// <summary>A piece of work that is this worker's, until a newer claim on it is made.</summary>
sealed class Claim(Claims claims, string piece, int number) : Fence
{
    /// <summary>How it ends: <see cref="Stopped"/> is for whoever comes next.</summary>
    public const string Done = "done", Stopped = "stopped", Failed = "failed";

    /// <inheritdoc/>
    public override int Number => number;

    /// <inheritdoc/>
    public override void ThrowIfLost()
    {
        if (!claims.IsOurs(piece, number))
            throw new FenceLostException($"{piece}: another worker has it; this one gave no sign of life for too long");
    }

    /// <summary>Gives it back; where another has it meanwhile, how it ends is that one's to say.</summary>
    /// <param name="how">one of the three</param>
    public void End(string how, string note = "")
    {
        if (!claims.IsOurs(piece, number)) return;
        File.WriteAllText($"{claims.PathOf(piece, number)}.{how}", note);
        claims.Ended(piece, how);
    }
}
