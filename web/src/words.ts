const superscript = (n: number): string => String(n).replace("-", "⁻").replace(/\d/g, d => "⁰¹²³⁴⁵⁶⁷⁸⁹"[Number(d)]!);

/** 1.5 k, 3.2 M. */
export function quantity(x: number | null | undefined): string {
    if (x === null || x === undefined || !Number.isFinite(x)) return "–";
    const units = ["", " k", " M", " G", " T"];
    let u = 0, v = Math.abs(x);
    while (v >= 999.5 && u < units.length - 1) {
        v /= 1000;
        u++;
    }
    const text = v >= 100 || (u === 0 && Number.isInteger(v)) ? v.toFixed(0) : v >= 10 ? v.toFixed(1) : v.toFixed(2);
    return (x < 0 ? "−" : "") + text + units[u];
}

/** 3.2 × 10¹¹ as 3.2·10¹¹. */
export function power(x: number | null | undefined): string {
    if (x === null || x === undefined || !Number.isFinite(x)) return "–";
    if (x === 0) return "0";
    const e = Math.floor(Math.log10(Math.abs(x)) + 1e-9), m = x / 10 ** e;
    const mantissa = m.toFixed(Math.abs(m - Math.round(m)) < 0.005 ? 0 : Math.abs(10 * m - Math.round(10 * m)) < 0.05 ? 1 : 2);
    return mantissa === "1" ? `10${superscript(e)}` : `${mantissa}·10${superscript(e)}`;
}

/** A loss, a share: as many digits as tell something. */
export const number = (x: number | null | undefined, digits = 4): string =>
    x === null || x === undefined || !Number.isFinite(x) ? "–" : x.toFixed(digits);

/** A tick: 25 k, 1.25 M, 3·10¹². */
export function tick(x: number): string {
    const size = Math.abs(x);
    if (size === 0) return "0";
    if (size >= 1e12 || size < 1e-3) return power(x);
    if (size < 1e4) return String(Number(x.toPrecision(4)));
    const [unit, name] = size >= 1e9 ? [1e9, " G"] : size >= 1e6 ? [1e6, " M"] : [1e3, " k"];
    return `${Number((x / unit).toPrecision(4))}${name}`;
}

/** Any value of a chart's axis or hover. */
export function value(x: number | null | undefined): string {
    if (x === null || x === undefined || !Number.isFinite(x)) return "–";
    const size = Math.abs(x);
    if (size !== 0 && (size >= 1e5 || size < 1e-3)) return power(x);
    return String(Number(x.toPrecision(4)));
}

export function duration(seconds: number): string {
    if (seconds < 90) return `${seconds.toFixed(0)} s`;
    if (seconds < 5400) return `${(seconds / 60).toFixed(0)} min`;
    return `${(seconds / 3600).toFixed(1)} h`;
}

/** What stands for what in words. */
export const titles: Record<string, string> = {
    loss: "training loss, nats a token",
    valid_loss: "held-out loss, nats a token",
    bits_per_byte: "held-out loss, bits a byte",
    grad_norm: "gradient norm",
    learning_rate: "learning rate",
    tokens_per_second: "tokens a second",
    peak_share: "share of the machine's peak",
    entropy: "entropy of the policy, nats",
    step: "steps",
    tokens: "tokens",
    flops: "training FLOPs",
    seconds: "seconds of training",
};
