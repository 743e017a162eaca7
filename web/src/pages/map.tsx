import { useEffect, useRef, useState } from "preact/hooks";
import type { MapCell, MapItem, MapShare, MapTask, MapView } from "../api";
import { get, query, useAsked, useHome } from "../net";
import { Busy, Choice, Empty, Page, Trouble, colours } from "../parts";
import { go, useRoute } from "../route";
import { number, power } from "../words";
import { ClimbForm } from "./next";

// Below chance is what its interval lies below: the rest of such cells are no worse than guesses.
const shade = (cell: MapCell, chance: number | null): string => (cell.ability === null ? "" : cell.high !== null && chance !== null && cell.high < chance ? "am"
    : `a${Math.max(0, Math.min(5, Math.floor(cell.ability * 6)))}`);
const percent = (x: number | null): string => (x === null ? "–" : `${Math.round(100 * x)}`);

/** Which task pays for which part of the loss, stacked, along the budgets. */
function Stack(props: { budgets: number[]; shares: MapShare[] }) {
    const { budgets } = props, most = 7;
    // Levels of one family are one area; the families that fell most stand apart.
    const families = new globalThis.Map<string, number[]>();
    for (const s of props.shares) {
        const name = s.task.replace(/\.\d+$/, ""), sum = families.get(name) ?? budgets.map(() => 0);
        families.set(name, sum.map((v, i) => v + s.nats[i]!));
    }
    const sorted = [...families].sort((a, b) => (b[1][0]! - b[1].at(-1)!) - (a[1][0]! - a[1].at(-1)!));
    const shown = sorted.slice(0, most), rest = sorted.slice(most);
    if (rest.length > 0) shown.push([`${rest.length} others`, budgets.map((_, i) => rest.reduce((n, r) => n + r[1][i]!, 0))]);
    const total = budgets.map((_, i) => shown.reduce((n, s) => n + s[1][i]!, 0)), top = Math.max(...total) * 1.04;
    const w = Math.max(280, Math.min(760, window.innerWidth - 76)), h = 300, left = 44, bottom = 30, right = 12;
    const logs = budgets.map(Math.log10), x = (i: number) => left + (w - left - right) * (logs[i]! - logs[0]!) / (logs.at(-1)! - logs[0]!), y = (v: number) => 8 + (h - bottom - 8) * (1 - v / top);
    const base = budgets.map(() => 0);
    const step = top > 4 ? 1 : top > 1.5 ? 0.5 : 0.25;
    return (
        <section class="card"><h2>Which task pays for the falling loss</h2>
            <p>The loss of all text is the sum over its tasks, weighted by their tokens. Each area is what one of them pays, nats a token of all text.</p>
            <svg viewBox={`0 0 ${w} ${h}`} role="img" aria-label={`Loss by task from ${power(budgets[0])} to ${power(budgets.at(-1))} FLOPs: ${shown.map(s => `${s[0]} from ${number(s[1][0], 2)} to ${number(s[1].at(-1), 2)}`).join(", ")}`} width={w} height={h} style={{ maxWidth: "100%", display: "block" }}>
                {Array.from({ length: Math.floor(top / step) + 1 }, (_, i) => i * step).map(v => <g key={v}><line x1={left} x2={w - right} y1={y(v)} y2={y(v)} stroke="var(--grid)" /><text x={left - 6} y={y(v) + 4} text-anchor="end" font-size="11" fill="var(--quiet)">{v.toFixed(step < 1 ? 2 : 0)}</text></g>)}
                {shown.map(([name, nats], k) => {
                    const from = [...base];
                    nats.forEach((v, i) => (base[i] = base[i]! + v));
                    const path = `M${base.map((v, i) => `${x(i)},${y(v)}`).join("L")}L${[...from.keys()].reverse().map(i => `${x(i)},${y(from[i]!)}`).join("L")}Z`;
                    return <path key={name} d={path} fill={colours[k % colours.length]} fill-opacity={0.82} stroke="var(--paper)" stroke-width="1"><title>{name}</title></path>;
                })}
                {budgets.map((b, i) => <text key={b} x={x(i)} y={h - 10} text-anchor={i === 0 ? "start" : i === budgets.length - 1 ? "end" : "middle"} font-size="11" fill="var(--quiet)">{power(b)}</text>)}
            </svg>
            <ul class="legend">{shown.map(([name, nats], k) => <li key={name}><svg width="14" height="14" aria-hidden="true"><rect width="14" height="14" rx="3" fill={colours[k % colours.length]} /></svg>{name}: {number(nats[0], 2)} → {number(nats.at(-1), 2)}</li>)}</ul>
        </section>
    );
}

/** What each seed's model made of the items of a cell. */
function Items(props: { study: string; task: MapTask; budget: number }) {
    const asked = useAsked<MapItem[]>(`${props.study} ${props.task.task} ${props.budget}`, signal => get(`/api/map/items?${query({ study: props.study, task: props.task.task, budget: props.budget })}`, signal));
    const cell = props.task.cells.find(c => c.budget === props.budget), box = useRef<HTMLElement>(null);
    useEffect(() => box.current?.scrollIntoView({ block: "nearest" }), [props.task.task, props.budget, asked.busy]);
    return (
        <section class="card" aria-label="Items" id="items" ref={box}><h2>{props.task.task} at {power(props.budget)} FLOPs</h2>
            {cell && <p>{percent(cell.accuracy)} % right (95 %: {percent(cell.low)} to {percent(cell.high)}), chance {percent(props.task.chance)} %, −ln p of the answer {number(cell.nats, 2)}. {props.task.evidence}</p>}
            {asked.busy && <Busy text="Reading the answers…" />}
            {asked.error && <Trouble text={asked.error} />}
            {asked.value && !asked.busy && (asked.value.length === 0 ? <p>The answers of this cell are no longer kept beside its runs.</p> : <div class="scroll" tabIndex={0} role="region" aria-label="Answers" style={{ maxHeight: "26rem" }}><table>
                <thead><tr><th scope="col" /><th scope="col">question</th><th scope="col">answer</th><th scope="col" class="n">−ln p</th><th scope="col" class="n">margin</th><th scope="col">run</th></tr></thead>
                <tbody>{asked.value.slice(0, 400).map((i, k) => <tr key={k}><td class={i.score > 0.5 ? "right" : "wrong"}>{i.score > 0.5 ? "✓ right" : "✕ wrong"}</td>
                    <td class="wrap">{i.prompt || i.id}{i.choices.length > 0 && <div class="busy">{i.choices.join(" · ")}</div>}</td><td class="wrap">{i.answer}{i.reply !== null && <> (said: {i.reply})</>}</td><td class="n">{number(i.answer_nats, 2)}</td><td class="n">{number(i.margin, 2)}</td><td>{i.run}</td></tr>)}</tbody>
            </table></div>)}
        </section>
    );
}

/** Tasks against rungs. */
export function Map() {
    const { path } = useRoute(), { studies, state } = useHome();
    const study = path[1] ?? studies.find(s => s.done > 2)?.name ?? studies[0]?.name ?? "";
    const done = studies.find(s => s.name === study)?.done ?? 0;
    const asked = useAsked<MapView>(study ? `${study}#${done}` : null, signal => get(`/api/map?${query({ study })}`, signal));
    const [cell, setCell] = useState<{ task: string; budget: number }>();
    if (state === "first") return <Page title="Map"><Busy text="Reading the home…" /></Page>;
    if (studies.length === 0) return <Page title="Map"><Empty title="No study yet" command="isoflop ladder first --corpus world --budgets 1e10..1e11"><p>A map needs a ladder. On the generated world, <code>isoflop corpus world --bytes 2e7</code>, every token bears the name of its task.</p></Empty></Page>;
    const view = asked.value?.study === study ? asked.value : undefined, open = view?.tasks.find(t => t.task === cell?.task);
    return (
        <Page title={`What ${study} can do`} wide lead="Tasks against training budgets: next-word prediction learns many things at once, each at its own price.">
            <div class="row"><Choice label="Study" value={study} of={studies.map(s => [s.name, s.name] as const)} onChange={s => go(`/map/${s}`)} /></div>
            {asked.busy && !view && <Busy text="Reading the map…" />}
            {asked.error && <Trouble text={asked.error} />}
            {view && (view.tasks.length > 0 ? <section class="card"><h2>Right answers, percent</h2>
                <p>Colour: ability, the share of what lies above chance, from faint to strong; red: its interval lies below chance. A cell opens its items.</p>
                <div class="scroll" tabIndex={0} role="region" aria-label="Tasks against budgets"><table class="heat">
                    <thead><tr><th scope="col">task</th>{view.budgets.map(b => <th key={b} scope="col">{power(b)}</th>)}<th scope="col">chance</th><th scope="col">how it moves</th></tr></thead>
                    <tbody>{view.tasks.filter(t => t.cells.some(c => c.accuracy !== null)).map(t => <tr key={t.task}><th scope="row">{t.task}</th>
                        {view.budgets.map(b => {
                            const c = t.cells.find(x => Math.abs(x.budget / b - 1) < 1e-6);
                            return <td key={b} class="c">{c && c.accuracy !== null && <button type="button" class={shade(c, t.chance)} aria-pressed={cell?.task === t.task && cell.budget === c.budget}
                                aria-label={`${t.task} at ${power(b)}: ${percent(c.accuracy)} percent`} title={`95 %: ${percent(c.low)} to ${percent(c.high)} %`} onClick={() => setCell({ task: t.task, budget: c.budget })}>{percent(c.accuracy)}</button>}</td>;
                        })}<td class="n">{percent(t.chance)}</td><td title={t.evidence}>{t.class}</td></tr>)}</tbody>
                </table></div></section>
                : <Empty title="Its models were not asked yet" command={view.command}><p>{view.problem}.</p></Empty>)}
            {open && cell && <Items study={study} task={open} budget={cell.budget} />}
            {view && view.shares.length > 0 && view.budgets.length > 1 && <Stack budgets={view.budgets} shares={view.shares} />}
            {view && done > 0 && <ClimbForm study={study} />}
        </Page>
    );
}
