import { useEffect, useMemo, useState } from "preact/hooks";
import type { SeriesView } from "../api";
import { Chart, Swatch } from "../chart";
import { get, query, useAsked, useHome } from "../net";
import { Busy, Check, Choice, Link, Trouble } from "../parts";
import { titles } from "../words";

type X = "step" | "tokens" | "flops" | "seconds";

/** Charts of some runs on one axis; they grow while the runs do. */
export function RunCharts(props: { runs: readonly string[]; ys: readonly string[] }) {
    const { runs: all } = useHome();
    const [x, setX] = useState<X>("tokens"), [logX, setLogX] = useState(false), [logY, setLogY] = useState(false);
    const [smooth, setSmooth] = useState(0.02), [zoom, setZoom] = useState<readonly [number, number] | null>(null);
    const runs = props.runs.filter(r => all.size === 0 || all.has(r)).slice(0, 40);
    // A new row of any run asks anew; what is drawn is thinned there, spikes kept.
    const steps = runs.map(r => `${r}:${all.get(r)?.step ?? 0}:${all.get(r)?.valid_loss ?? ""}`).join();
    const key = runs.length === 0 ? null : query({
        run: runs, x, y: props.ys, log: logX, smooth, pixels: Math.min(1600, Math.round(window.innerWidth * 0.7)), from: zoom?.[0], to: zoom?.[1],
    });
    const [again, setAgain] = useState(0);
    const asked = useAsked<SeriesView>(key && `${key}#${steps}#${again}`, signal => get(`/api/series?${key}`, signal));
    useEffect(() => setZoom(null), [x, props.runs.join()]);
    const [shown, setShown] = useState<SeriesView>();
    useEffect(() => {
        if (asked.value) setShown(asked.value);
        if (asked.value?.more) setAgain(n => n + 1);
    }, [asked.value]);
    const byY = useMemo(() => new Map(props.ys.map(y => [y, (shown?.lines ?? []).filter(l => l.y === y)
        .map(l => ({ label: l.run, points: l.points, smooth: l.smooth, marks: false, look: runs.indexOf(l.run) }))] as const)), [shown, props.ys.join()]);
    const xs = (shown?.lines ?? []).flatMap(l => (l.points.x.length > 0 ? [l.points.x[0]!, l.points.x.at(-1)!] : [])).filter(v => !logX || v > 0);
    const range = xs.length > 0 ? [Math.min(...xs), Math.max(...xs)] as const : undefined;
    return (
        <section class="card" aria-label="Charts">
            <div class="row">
                <Choice label="Against" value={x} of={[["tokens", "tokens"], ["flops", "FLOPs"], ["seconds", "seconds"], ["step", "steps"]]} onChange={setX} />
                <label class="field"><span>Smoothing {smooth === 0 ? "off" : `${(100 * smooth).toFixed(1)} % of the rows`}</span>
                    <input type="range" min="0" max="0.2" step="0.005" value={smooth} onInput={e => setSmooth(Number(e.currentTarget.value))} /></label>
                <Check label="log x" value={logX} onChange={setLogX} />
                <Check label="log y" value={logY} onChange={setLogY} />
                {zoom && <button type="button" onClick={() => setZoom(null)}>Show all</button>}
            </div>
            {asked.error && <Trouble text={asked.error} />}
            {shown?.more && <Busy text="Reading the rest of the rows…" />}
            {runs.length === 0 && <p class="busy">Tick runs in the table below to see their curves.</p>}
            {shown?.missing.map(m => <Trouble key={m} text={m} />)}
            {runs.length > 1 && <ul class="legend">{runs.map((r, i) => <li key={r}><Swatch look={i} /><Link to={`/run/${r}`}>{r}</Link></li>)}</ul>}
            <div class="charts">
                {props.ys.filter(y => (byY.get(y) ?? []).some(l => l.points.x.length > 0)).map(y => (
                    <Chart key={y} title={titles[y] ?? y} xTitle={titles[x]!} lines={byY.get(y) ?? []} logX={logX} logY={logY} range={range} zoom={zoom} onZoom={setZoom} />))}
            </div>
        </section>
    );
}
