import { useState } from "preact/hooks";
import type { ThinkingView, Trace, TreePlace } from "../api";
import { Chart } from "../chart";
import { get, query, useAsked, useHome } from "../net";
import { Busy, Choice, Empty, Link, Page, Picture, Status, Trouble } from "../parts";
import { go, useRoute } from "../route";

const looks: Record<string, string> = { ";": "s-failed", "?": "s-dead", "~": "s-back", "!": "s-solved", "<": "s-edge", ">": "s-edge", "|": "s-edge", ":": "s-edge" };

const Said = (props: { reply: string }) => <div class="say">{[...props.reply].map((c, i) => (looks[c] ? <span key={i} class={looks[c]}>{c}</span> : c))}</div>;

/** The search as a tree, each place one choice below the one before. */
function Tree(props: { of: TreePlace[] }) {
    const children = props.of.map(() => [] as number[]);
    props.of.forEach((p, i) => p.parent >= 0 && children[p.parent]!.push(i));
    const place: { x: number; y: number }[] = [];
    const label = (p: TreePlace): string => p.choice + (p.outcome === "solved" ? " ✓" : p.outcome === "failed" ? " ✕" : p.outcome === "dead end" ? " ?" : "") + (p.visits > 1 ? ` ×${p.visits}` : "");
    const wide = 36 + 8 * Math.max(3, ...props.of.map(p => label(p).length));
    let rows = 0, depth = 0;
    const put = (i: number, d: number): void => {
        depth = Math.max(depth, d);
        place[i] = { x: 14 + d * wide, y: 16 + rows * 22 };
        children[i]!.forEach((c, k) => {
            if (k > 0) rows++;
            put(c, d + 1);
        });
    };
    put(0, 0);
    const told = (o: string): string => (o === "dead end" ? "dead" : o);
    return (
        <div class="tree" tabIndex={0} role="region" aria-label={`Search tree of ${props.of.length - 1} choices`}><svg width={(depth + 1) * wide} height={rows * 22 + 34} role="img" aria-label={`${props.of.filter(p => p.outcome === "failed").length} failed attempts, ${props.of.filter(p => p.outcome === "dead end").length} dead ends, ${props.of.filter(p => p.outcome === "solved").length} solved`}>
            {props.of.map((p, i) => p.parent >= 0 && <path key={i} d={`M${place[p.parent]!.x},${place[p.parent]!.y}H${place[i]!.x - 14}V${place[i]!.y}H${place[i]!.x - 4}`} />)}
            {props.of.map((p, i) => <g key={i} transform={`translate(${place[i]!.x},${place[i]!.y})`}><circle r={p.outcome ? 4.5 : 3} class={`t-${told(p.outcome)}`} />
                <text x="8" y="4">{label(p)}</text></g>)}
        </svg></div>
    );
}

/** A sudoku's rows stand between spaces, those of a crossword between slashes before its words. */
const rowsOf = (level: string, text: string): string[] =>
    level.startsWith("crossword") ? text.trim().split(" ")[0]!.split("/") : level.startsWith("sudoku") ? text.trim().split(" ") : [];

/** A sudoku or crossword as its grid: what was given, and what the reply filled in. */
function Puzzle(props: { level: string; prompt: string; answer: string }) {
    const rows = rowsOf(props.level, props.prompt), filled = rowsOf(props.level, props.answer.split("|")[0]!);
    if (rows.length < 3 || rows.length > 12) return null;
    const box = props.level.startsWith("sudoku") ? Math.sqrt(rows.length) : 0;
    return (
        <table class="grid-puzzle" aria-label="The grid"><tbody>{rows.map((r, i) => <tr key={i} class={box && i % box === box - 1 && i < rows.length - 1 ? "edge-below" : ""}>{[...r].map((c, k) => {
            const given = c !== ".", own = filled[i]?.[k];
            return <td key={k} class={`${given ? "given" : ""} ${box && k % box === box - 1 && k < r.length - 1 ? "edge-right" : ""}`}>{given ? c : own && own !== "." ? own : ""}</td>;
        })}</tr>)}</tbody></table>
    );
}

function One(props: { of: Trace; signs: Record<string, string> }) {
    const t = props.of, at = t.reply.indexOf(">"), answer = at >= 0 ? t.reply.slice(at + 1) : "";
    const told = (n: number, one: string, many: string): string[] => (n > 0 ? [`${n} ${n === 1 ? one : many}`] : []);
    const does = [...told(t.attempts, "attempt", "attempts"), ...told(t.checks, "check", "checks"), ...told(t.steps_back, "step back", "steps back"),
        ...told(t.changes, "change of mind", "changes of mind")].join(", ");
    return (
        <article class="trace">
            <div class="meta"><b class={t.right ? "right" : "wrong"}>{t.right ? "✓ right" : "✕ wrong"}</b><span>step {t.step}</span><span>{t.level}</span><span>{t.tokens} tokens{!t.ended && ", cut off"}</span>{does && <span>{does}</span>}</div>
            <div class="reply">{t.prompt}</div>
            <Said reply={t.reply} />
            <Puzzle level={t.level} prompt={t.prompt} answer={answer} />
            {t.tree.length > 2 && <details><summary>its search as a tree</summary><Tree of={t.tree} /></details>}
        </article>
    );
}

/** Runs that learn to think: how they learn, what ails them, what they think. */
export function Thinking() {
    const { path } = useRoute(), { runs, state } = useHome();
    const all = [...runs.values()].filter(r => r.kind === "rewards").sort((a, b) => b.created.localeCompare(a.created));
    const name = path[1] ?? all[0]?.name ?? "", line = runs.get(name);
    const asked = useAsked<ThinkingView>(line ? `${name}#${line.step}` : null, signal => get(`/api/thinking?${query({ run: name })}`, signal));
    const [right, setRight] = useState("all"), [does, setDoes] = useState("any"), [step, setStep] = useState("last"), [least, setLeast] = useState(0), [pairs, setPairs] = useState(true), [count, setCount] = useState(12);
    if (state === "first") return <Page title="Thinking"><Busy text="Reading the home…" /></Page>;
    if (all.length === 0) return <Page title="Thinking"><Empty title="No run learns to think yet" command="isoflop rl name=p-rl from=p tasks=parity:1 steps=16 prompts=16 replies=8 max_new_tokens=16"><p>A program checks the answers, so reinforcement needs no labels. It begins with a model that was taught: <code>isoflop teach name=p tasks=parity:1 items=40000 think=0.5 context=32 model.d_model=32 model.n_layer=2 model.n_head=2 train.learning_rate=0.005</code></p></Empty></Page>;
    const view = asked.value?.run === name ? asked.value : undefined, steps = view?.steps ?? [];
    const kept = [...new Set(view?.traces.map(t => t.step) ?? [])].sort((a, b) => a - b), last = kept.at(-1);
    const curve = (of: (s: (typeof steps)[number]) => number) => ({ x: steps.map(s => s.step), y: steps.map(of) });
    const fits = (t: Trace): boolean => (right === "all" || t.right === (right === "right")) && t.tokens >= least
        && (does === "any" || (does === "check" && t.checks > 0) || (does === "back" && t.steps_back > 0) || (does === "change" && t.changes > 0) || (does === "plain" && t.checks === 0));
    const now = (view?.traces ?? []).filter(t => (step === "all" || t.step === (step === "last" ? last : Number(step))) && fits(t));
    const before = (t: Trace): Trace | undefined => view?.traces.find(b => b.step === kept[0] && b.step !== t.step && b.prompt === t.prompt && b.level === t.level);
    return (
        <Page title="Thinking" wide lead={<>How <Link to={`/run/${name}`}>{name}</Link> learns from rewards{line && <>, <Status of={line.status} /></>}.</>}>
            <div class="row"><Choice label="Run" value={name} of={all.map(r => [r.name, r.name] as const)} onChange={r => go(`/thinking/${r}`)} /></div>
            {asked.busy && !view && <Busy text="Reading its rows…" />}
            {asked.error && <Trouble text={asked.error} />}
            {view && <>
                {view.doctor.length > 0 ? view.doctor.map(d => <p key={d.name} class="note"><b>{d.name}:</b> {d.text}</p>)
                    : steps.length >= 5 && <p class="right">✓ The doctor finds nothing wrong with its last steps.</p>}
                {steps.length > 0 && <div class="charts">
                    <Chart title="reward: share of right replies" xTitle="steps" lines={[{ label: "reward", points: curve(s => s.reward) }]} height={220} />
                    <Chart title="length of a reply, tokens" xTitle="steps" lines={[{ label: "length", points: curve(s => s.length), look: 1 }]} height={220} />
                    <Chart title="share that thinks first, and share that is cut off" xTitle="steps" lines={[{ label: "thinks", points: curve(s => s.thinking), look: 2 }, { label: "cut off", points: curve(s => s.truncated), look: 3 }]} height={220} named />
                    <Chart title="entropy of the policy, nats a token" xTitle="steps" lines={[{ label: "entropy", points: curve(s => s.entropy), look: 6 }]} height={220} />
                </div>}
                {view.charts.length > 0 && <div class="cols">{view.charts.map((c, i) => <div key={i} class="card"><Picture src={`/api/thinking/picture?${query({ run: name, index: i, step: line?.step })}`} alt={c} /></div>)}</div>}
                <section class="card"><h2>What it thinks</h2>
                    {view.traces.length === 0 ? <p>Replies are kept beside its evaluations; there is none yet.</p> : <>
                        <div class="row">
                            <Choice label="Answer" value={right} of={[["all", "all"], ["right", "right"], ["wrong", "wrong"]]} onChange={setRight} />
                            <Choice label="Behaviour" value={does} of={[["any", "any"], ["check", "checks itself"], ["back", "steps back"], ["change", "changes its mind"], ["plain", "no check"]]} onChange={setDoes} />
                            <Choice label="At step" value={step} of={[["last", `the last, ${last}`], ["all", "any"], ...kept.map(s => [String(s), String(s)] as const)]} onChange={setStep} />
                            <label class="field"><span>At least {least} tokens</span><input type="range" min="0" max={Math.max(8, ...view.traces.map(t => t.tokens))} value={least} onInput={e => setLeast(Number(e.currentTarget.value))} /></label>
                            <label class="check"><input type="checkbox" checked={pairs} onChange={e => setPairs(e.currentTarget.checked)} />beside the first policy</label>
                        </div>
                        {Object.keys(view.signs).length > 0 && <ul class="legend">{Object.entries(view.signs).map(([sign, means]) => <li key={sign}><span class={`say ${looks[sign] ?? ""}`}>{sign}</span>{means}</li>)}</ul>}
                    </>}
                </section>
                {now.slice(0, count).map((t, i) => {
                    const was = pairs ? before(t) : undefined;
                    return was ? <div class="cols" key={i}><One of={was} signs={view.signs} /><One of={t} signs={view.signs} /></div> : <One key={i} of={t} signs={view.signs} />;
                })}
                {view.traces.length > 0 && now.length === 0 && <p>None of {view.traces.length} replies is such a one.</p>}
                {now.length > count && <p><button type="button" onClick={() => setCount(count + 24)}>More: {now.length - count} are left</button></p>}
            </>}
        </Page>
    );
}
