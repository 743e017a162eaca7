namespace Isoflop.Lab.Laws;

/// <summary>Observations as arrays, with the centres where exponents and scales hardly mix: fits are well conditioned.</summary>
sealed class FitData
{
    public FitData(LawForm form, IReadOnlyList<Observation> points)
    {
        Points = points;
        Inputs = [.. points.Select(form.InputsOf)];
        Y = [.. points.Select(p => p.Loss)];
        LnN = [.. Inputs.Select(i => Math.Log(i.N))];
        LnD = [.. Inputs.Select(i => Math.Log(i.D))];
        LnX = [.. Inputs.Select(i => Math.Log(i.X))];
        LnY = [.. Y.Select(y => Math.Log(y))];
        (CentreN, CentreD, CentreX) = (LnN.Average(), LnD.Average(), LnX.Average());
        double items = points.Average(p => p.Items);
        Scale = [.. points.Select(p => Math.Sqrt(p.Items / items))];
    }

    FitData(FitData from, double[] y)
    {
        (Points, Inputs, Y, LnN, LnD, LnX, Scale) =
            (from.Points, from.Inputs, y, from.LnN, from.LnD, from.LnX, from.Scale);
        LnY = [.. y.Select(y => Math.Log(y))];
        (CentreN, CentreD, CentreX) = (from.CentreN, from.CentreD, from.CentreX);
    }

    public IReadOnlyList<Observation> Points { get; }
    public Inputs[] Inputs { get; }
    public double[] Y { get; }
    public double[] LnN { get; }
    public double[] LnD { get; }
    public double[] LnX { get; }
    public double[] LnY { get; }
    /// <summary>√ of a point's items over their mean: errors are so much smaller.</summary>
    public double[] Scale { get; }
    public double CentreN { get; }
    public double CentreD { get; }
    public double CentreX { get; }
    public int Count => Y.Length;

    /// <summary>The same points with other values.</summary>
    public FitData With(double[] y) => new(this, y);
}
