import { useEffect, useState } from "preact/hooks";
import type { LawBlock, LawPage, WorkerLine } from "../api";
import { get, query, useAsked, useHome } from "../net";
import { Busy, Choice, Command, Empty, Link, Page, Picture, Status, Tokens, Trouble, Words } from "../parts";
import { go, useRoute } from "../route";

const isNumber = (s: string): boolean => s === "" || s === "–" || /^[+−-]?[\d.,]/.test(s);

function Block(props: { of: LawBlock; study: string }) {
    const b = props.of;
    if (b.kind === "heading") return <h2>{b.text}</h2>;
    if (b.kind === "words") return <p><Words text={b.text} /></p>;
    if (b.kind === "verdict") return <p class="verdict"><Words text={b.text} /></p>;
    if (b.kind === "tokens") return <Tokens of={b.tokens} />;
    if (b.kind === "chart" || b.kind === "drawn")
        return <div class="card"><Picture src={`/api/laws/picture?${query({ study: props.study, file: b.file })}`} alt={b.text} drawn={b.kind === "drawn"} {...(b.kind === "chart" ? { size: [860, 480] as const } : {})} /></div>;
    const right = b.heads.map((_, c) => b.rows.length > 0 && b.rows.every(r => isNumber(r[c] ?? "")));
    return (
        <div class="scroll" tabIndex={0} role="region" aria-label={b.heads.join(", ")}><table>
            <thead><tr>{b.heads.map((h, c) => <th key={c} scope="col" class={right[c] ? "n" : ""}>{h}</th>)}</tr></thead>
            <tbody>{b.rows.map((r, i) => <tr key={i}>{r.map((v, c) => <td key={c} class={right[c] ? "n" : ""}>{v}</td>)}</tr>)}</tbody>
        </table></div>
    );
}

/** Who trains the study, where it was given to workers. */
function Workers(props: { study: string }) {
    const [tick, next] = useState(0);
    const asked = useAsked<readonly WorkerLine[]>(`${props.study}#${tick}`, signal => get(`/api/workers?${query({ study: props.study })}`, signal));
    const all = asked.value ?? [], atWork = all.filter(w => w.state === "working" || w.state === "waiting").length;
    useEffect(() => {
        const timer = setInterval(() => next(t => t + 1), 3000);
        return () => clearInterval(timer);
    }, []);
    if (all.length === 0) return null;
    return (
        <details class="card" open={atWork > 0}><summary>{atWork} of {all.length} workers at work, {all.reduce((n, w) => n + w.done, 0)} runs done by them</summary>
            <div class="scroll" tabIndex={0} role="region" aria-label="Workers"><table>
                <thead><tr>{["worker", "host", "state", "run"].map(h => <th key={h} scope="col">{h}</th>)}{["step", "done", "failed"].map(h => <th key={h} scope="col" class="n">{h}</th>)}</tr></thead>
                <tbody>{all.map(w => <tr key={w.name}><td>{w.name}</td><td>{w.host}</td><td><Status of={w.state} /></td><td>{w.run && <Link to={`/run/${w.run}`}>{w.run}</Link>}</td>
                    <td class="n">{w.run && `${w.step} of ${w.steps}`}</td><td class="n">{w.done}</td><td class="n">{w.failed}</td></tr>)}</tbody>
            </table></div>
        </details>
    );
}

/** What a study says: the words and pictures of its report. */
export function Laws() {
    const { path } = useRoute(), { studies, state } = useHome();
    const study = path[1] ?? studies.find(s => s.done > 2)?.name ?? studies[0]?.name ?? "";
    const done = studies.find(s => s.name === study)?.done ?? 0;
    const asked = useAsked<LawPage>(study ? `${study}#${done}` : null, signal => get(`/api/laws?${query({ study })}`, signal));
    const page = asked.value?.study === study ? asked.value : undefined;
    if (state === "first") return <Page title="Laws"><Busy text="Reading the home…" /></Page>;
    if (studies.length === 0) return <Page title="Laws"><Empty title="No study yet" command="isoflop ladder recipes/small.json --yes"><p>A law needs runs of several sizes at several budgets. This ladder trains six, on the corpus of <code>isoflop corpus small --vocab 512</code>.</p></Empty></Page>;
    return (
        <Page title={study} lead="What its runs say, and how forecasts came out: the words and pictures of its report.html.">
            <div class="row"><Choice label="Study" value={study} of={studies.map(s => [s.name, s.name] as const)} onChange={s => go(`/laws/${s}`)} /></div>
            <Workers key={study} study={study} />
            {asked.busy && !page && <Busy text="Fitting its law, with resamples for the intervals…" />}
            {asked.error && <Trouble text={asked.error} />}
            {page?.problem && <Empty title="No law yet" command={`isoflop ladder ${study}`}><p>{page.problem}</p></Empty>}
            {page && !page.problem && <>
                <div class="law">{page.blocks.map((b, i) => <Block key={i} of={b} study={study} />)}</div>
                <section class="card"><h2>The same as a file</h2><Command text={`isoflop report ${study}`} /></section>
            </>}
        </Page>
    );
}
