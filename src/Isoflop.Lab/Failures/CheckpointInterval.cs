namespace Isoflop.Lab.Failures;

/// <summary>How often to save, and to check, where failures come at random: a Poisson process. Seconds throughout.</summary>
static class CheckpointInterval
{
    /// <summary>√(2·save·between): Young 1974, CACM 17(9), 530.</summary>
    public static double Young(double save, double between) => Math.Sqrt(2 * save * between);

    /// <summary>
    /// To higher order: √(2δM)·(1 + √(δ/2M)/3 + (δ/2M)/9) − δ, M where δ ≥ 2M. Daly 2006, Future Generation Computer Systems
    /// 22(3), 303, equation 37.
    /// </summary>
    /// <param name="save">δ, of a checkpoint</param> <param name="between">M, from one failure to the next</param>
    /// <returns>work between the end of a save and the begin of the next</returns>
    public static double Daly(double save, double between)
    {
        double x = save / (2 * between);
        return x >= 1 ? between : Young(save, between) * (1 + Math.Sqrt(x) / 3 + x / 9) - save;
    }

    /// <summary>
    /// Useful share of all time: τ / (M·exp(R/M)·(exp((τ + δ)/M) − 1)); Daly 2006, equation 20, where failures may also strike a
    /// restart.
    /// </summary>
    /// <param name="interval">τ, work between two saves</param> <param name="restart">R, from a failure to the next step</param>
    public static double Effective(double interval, double save, double between, double restart) =>
        interval / (between * Math.Exp(restart / between) * (Math.Exp((interval + save) / between) - 1));

    /// <summary>
    /// Steps between two that are computed twice: a check costs a step as a checkpoint costs a save, and what a silent fault
    /// spoils until it is found is lost as work since a save is. So it is Young's formula with a step for the save.
    /// </summary>
    /// <param name="silent">seconds from one silent fault to the next</param>
    public static int CheckEvery(double step, double silent) => (int)Math.Clamp(Young(step, silent) / step, 1, 1e6);
}
