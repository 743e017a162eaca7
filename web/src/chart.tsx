import { useEffect, useMemo, useRef, useState } from "preact/hooks";
import uPlot from "uplot";
import "uplot/dist/uPlot.min.css";
import type { Curve } from "./api";
import { colours, dashes } from "./parts";
import { useTheme } from "./theme";
import { tick, value } from "./words";

export interface Line {
    label: string;
    points: Curve;
    /** drawn strong above the raw points, which are then pale */
    smooth?: Curve | null;
    /** marks instead of a line */
    marks?: boolean;
    /** which colour and dashes; else its place */
    look?: number;
}

interface Props {
    title: string;
    xTitle: string;
    lines: Line[];
    logX?: boolean;
    logY?: boolean;
    height?: number;
    /** its lines are named below, since no legend elsewhere does */
    named?: boolean;
    /** ends of x where nothing is zoomed; else of the lines */
    range?: readonly [number, number] | undefined;
    zoom?: readonly [number, number] | null;
    onZoom?: (range: readonly [number, number] | null) => void;
}

// Steps between ticks of what is counted.
const whole = [1, 2, 5].flatMap(m => Array.from({ length: 9 }, (_, e) => m * 10 ** e)).sort((a, b) => a - b);

const css = (name: string): string => getComputedStyle(document.documentElement).getPropertyValue(name).trim();

/** Rows of all lines on one x, as uPlot wants them. */
function align(lines: Line[], logX: boolean, logY: boolean): uPlot.AlignedData {
    const good = (c: Curve): uPlot.AlignedData => {
        const x: number[] = [], y: (number | null)[] = [];
        for (let i = 0; i < c.x.length; i++)
            if ((!logX || c.x[i]! > 0) && (!logY || c.y[i]! > 0) && x[x.length - 1] !== c.x[i]) {
                x.push(c.x[i]!);
                y.push(c.y[i]!);
            } else if (x.length > 0 && x[x.length - 1] === c.x[i]) y[y.length - 1] = c.y[i]!;
        return [x, y];
    };
    const tables = lines.flatMap(l => (l.smooth ? [good(l.points), good(l.smooth)] : [good(l.points)]));
    if (tables.length === 0) return [[]];
    return tables.length === 1 ? tables[0]! : uPlot.join(tables);
}

function nearest(x: readonly number[], at: number): number {
    let low = 0, high = x.length - 1;
    while (high - low > 1) {
        const middle = (low + high) >> 1;
        if (x[middle]! < at) low = middle;
        else high = middle;
    }
    return high >= 0 && Math.abs((x[high] ?? Infinity) - at) < Math.abs((x[low] ?? Infinity) - at) ? high : low;
}

const fade = (hex: string, share: number): string => hex + Math.round(share * 255).toString(16).padStart(2, "0");

/** Curves: drag to zoom, double-click to see all; the arrow keys move along, plus and minus zoom, escape shows all. */
export function Chart(props: Props) {
    const box = useRef<HTMLDivElement>(null), plot = useRef<uPlot | null>(null), theme = useTheme();
    const [at, setAt] = useState<number | null>(null), [width, setWidth] = useState(0);
    const { lines, logX = false, logY = false, height = 260 } = props;
    const data = useMemo(() => align(lines, logX, logY), [lines, logX, logY]);
    const shape = JSON.stringify([lines.map(l => [l.label, !!l.smooth, l.marks, l.look]), logX, logY, height, props.xTitle, theme]);

    useEffect(() => {
        const watch = new ResizeObserver(e => setWidth(Math.floor(e[0]!.contentRect.width)));
        watch.observe(box.current!);
        return () => watch.disconnect();
    }, []);

    useEffect(() => {
        if (width < 50 || data[0].length === 0) return;
        const ink = css("--quiet"), grid = css("--grid");
        const axis = (log: boolean): uPlot.Axis => ({
            stroke: ink, font: "12px system-ui, sans-serif", grid: { stroke: grid, width: 1 }, ticks: { stroke: grid, width: 1 },
            values: (_, ticks) => ticks.map(t => (t === null || t === undefined ? "" : tick(t))),
            ...(log ? { filter: (_u, splits) => decades(splits) } : {}),
        });
        const series: uPlot.Series[] = [{}];
        lines.forEach((l, i) => {
            const look = l.look ?? i, colour = css(`--c${look % colours.length}`);
            const dash = dashes[Math.floor(look / colours.length) % dashes.length]!;
            const few = l.points.x.length <= 40;
            series.push({
                label: l.label, stroke: l.smooth ? fade(colour, lines.length > 1 ? 0.18 : 0.35) : colour, width: l.smooth ? 1 : 1.6, dash, spanGaps: true,
                points: { show: l.marks || few, size: l.marks ? 7 : 4, fill: colour, stroke: colour },
                ...(l.marks ? { paths: () => null } : {}),
            });
            if (l.smooth) series.push({ label: `${l.label}, smoothed`, stroke: colour, width: 2, dash, spanGaps: true, points: { show: false } });
        });
        const own = new uPlot({
            width, height, series,
            scales: { x: { time: false, distr: logX ? 3 : 1 }, y: { distr: logY ? 3 : 1 } },
            axes: [{ ...axis(logX), size: 34, space: 60, ...(props.xTitle === "steps" && !logX ? { incrs: whole } : {}) }, { ...axis(logY), size: 64, space: 34 }],
            legend: { show: false },
            cursor: { drag: { x: true, y: false, setScale: false }, points: { size: 6 } },
            hooks: {
                setCursor: [u => setAt(u.cursor.left !== undefined && u.cursor.left >= 0 ? u.posToVal(u.cursor.left, "x") : null)],
                setSelect: [u => {
                    if (u.select.width > 4)
                        props.onZoom?.([u.posToVal(u.select.left, "x"), u.posToVal(u.select.left + u.select.width, "x")]);
                    u.setSelect({ left: 0, top: 0, width: 0, height: 0 }, false);
                }],
            },
        }, data, box.current!);
        own.over.addEventListener("dblclick", () => props.onZoom?.(null));
        plot.current = own;
        return () => {
            own.destroy();
            plot.current = null;
        };
    }, [shape, width, data[0].length === 0]);

    useEffect(() => {
        const own = plot.current;
        if (!own || data[0].length === 0) return;
        own.setData(data, true);
        const ends = props.zoom ?? props.range;
        if (ends && ends[1] > ends[0]) own.setScale("x", { min: ends[0], max: ends[1] });
    }, [data, props.zoom?.[0], props.zoom?.[1], props.range?.[0], props.range?.[1], shape, width]);

    const keys = (e: KeyboardEvent): void => {
        const own = plot.current;
        if (!own) return;
        const { min, max } = own.scales.x as { min: number; max: number };
        const share = (s: number): number => (logX ? min * (max / min) ** s : min + (max - min) * s);
        const here = at ?? share(0.5);
        const where = logX ? Math.log(here / min) / Math.log(max / min) : (here - min) / (max - min);
        if (e.key === "ArrowLeft" || e.key === "ArrowRight") {
            const to = share(Math.max(0, Math.min(1, where + (e.key === "ArrowLeft" ? -0.02 : 0.02))));
            own.setCursor({ left: own.valToPos(to, "x"), top: own.over.clientHeight / 2 });
        } else if (e.key === "+") props.onZoom?.([share(where - where / 2), share(where + (1 - where) / 2)]);
        else if (e.key === "-") props.onZoom?.([share(-0.5), share(1.5)]);
        else if (e.key === "Escape") props.onZoom?.(null);
        else return;
        e.preventDefault();
    };

    const shown = at === null ? [] : lines.map((l, i) => {
        const curve = l.smooth ?? l.points, k = nearest(curve.x, at);
        return { label: l.label, look: l.look ?? i, x: curve.x[k], y: curve.y[k] };
    });
    return (
        <figure class="chart">
            <figcaption>{props.title}{props.zoom && props.onZoom &&
                <button type="button" class="quiet" onClick={() => props.onZoom?.(null)}>show all</button>}</figcaption>
            <div class="plot" ref={box} tabIndex={0} role="application" onKeyDown={keys} onBlur={() => setAt(null)}
                aria-label={`${props.title} against ${props.xTitle}: ${lines.map(l => l.label).join(", ")}. Arrow keys read values, plus and minus zoom.`}>
                {data[0].length === 0 && <p class="none">no rows yet</p>}
            </div>
            {shown.length === 0 && <div class="axis">{props.xTitle}</div>}
            {shown.length === 0 && props.named && <ul class="legend">{lines.map((l, i) => <li key={l.label}><Swatch look={l.look ?? i} />{l.label}</li>)}</ul>}
            <div class="hover" aria-live="polite">{shown.length > 0 && <>
                <span class="x">{value(at)}</span>
                {shown.slice(0, 8).map(s => <span key={s.label} class="v"><Swatch look={s.look} />{lines.length > 1 && <span class="name">{s.label}</span>} <b>{value(s.y)}</b></span>)}
            </>}</div>
        </figure>
    );
}

/** Labels at whole decades where there are many, at 1, 2 and 5 where there are few. */
function decades(splits: number[]): (number | null)[] {
    const e = (v: number): number => Math.log10(v), isDecade = (v: number): boolean => Math.abs(e(v) - Math.round(e(v))) < 1e-6;
    const many = splits.filter(isDecade).length >= 3;
    return splits.map(v => {
        if (isDecade(v)) return v;
        const m = v / 10 ** Math.floor(e(v) + 1e-9);
        return !many && (Math.abs(m - 2) < 0.01 || Math.abs(m - 5) < 0.01) ? v : null;
    });
}

/** How a line looks, for a legend. */
export const Swatch = (props: { look: number }) => (
    <svg class="swatch" width="22" height="8" aria-hidden="true"><line x1="1" y1="4" x2="21" y2="4" stroke={colours[props.look % colours.length]}
        stroke-width="2.5" stroke-dasharray={dashes[Math.floor(props.look / colours.length) % dashes.length]!.join(" ")} /></svg>
);
