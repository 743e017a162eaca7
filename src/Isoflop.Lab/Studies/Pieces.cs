using Isoflop.Store;

namespace Isoflop.Lab.Studies;

/// <summary>A part of a study's work that needs none of the others.</summary>
/// <param name="Name">of the claims on it</param>
/// <param name="Work">does it, or finds it done; false: it was stopped, and the same call goes on</param>
sealed record Piece(string Name, Func<Workspace, bool> Work);

/// <summary>Work that falls into pieces, done by one process or by the workers of a crew.</summary>
static class Pieces
{
    /// <summary>Does all pieces: alone in their order; as a worker those that it claims, and waits for those of others.</summary>
    /// <returns>those that failed, as a worker; alone the failure is thrown</returns>
    /// <exception cref="OperationCanceledException">Asked to stop: what was under way is saved.</exception>
    public static IReadOnlyList<FailedRun> Do(Workspace here, IReadOnlyList<Piece> pieces)
    {
        if (here.Claims is not { } claims)
        {
            foreach ((int i, Piece piece) in pieces.Index())
                if (!piece.Work(here.Part(p => p with { Done = i, Total = pieces.Count, Unit = "models" })))
                    throw new OperationCanceledException(here.Stop);
            return [];
        }
        List<FailedRun> failed = [];
        List<Piece> open = [.. pieces];
        while (open.Count > 0)
        {
            here.Stop.ThrowIfCancellationRequested();
            claims.Look();
            bool won = false;
            foreach (Piece piece in open.ToList())
            {
                ClaimAnswer answer = claims.Try(piece.Name, () => true, out Claim? claim);
                if (answer == ClaimAnswer.GivenUp) failed.Add(new(piece.Name, claims.ReasonOf(piece.Name)));
                if (answer is ClaimAnswer.GivenUp or ClaimAnswer.Done) open.Remove(piece);
                if (claim is null) continue;
                if (Do(here, claims, piece, claim)) open.Remove(piece);
                won = true;
                break;                                            // others' ends are looked for before the next
            }
            if (!won && open.Count > 0) here.Stop.WaitHandle.WaitOne(Random.Shared.Next(500, 1500));
        }
        return failed;
    }

    static bool Do(Workspace here, Claims claims, Piece piece, Claim claim)
    {
        claims.Worker.Tell(piece.Name);
        string end = Claim.Stopped, note = "";
        try
        {
            if (piece.Work(here with { Fence = claim })) end = Claim.Done;
        }
        catch (FenceLostException)
        {
            claims.Worker.Count(done: false);
            return false;                                         // another has it, and says how it ends
        }
        catch (Exception e) when (e is ConfigException or DataException or IOException or UnauthorizedAccessException
            or OutOfMemoryException)
        {
            (end, note) = (Claim.Failed, e.Message);
        }
        catch
        {
            claim.End(end);
            throw;
        }
        claim.End(end, note);
        if (end != Claim.Stopped) claims.Worker.Count(end == Claim.Done);
        return end == Claim.Done;
    }
}
