import { useState } from "preact/hooks";
import type { CommandView, JobLine, RunView } from "../api";
import { get, post, query, useAsked, useHome } from "../net";
import { Busy, Command, Empty, Link, Page, Status, Trouble } from "../parts";
import { useRoute } from "../route";
import { duration, number, power, quantity } from "../words";
import { RunCharts } from "./charts";
import { Jobs } from "./runs";

// Whoever learns from rewards has no text to lose on, and its steps are mostly replies.
const ys = ["loss", "valid_loss", "tokens_per_second", "peak_share", "grad_norm", "learning_rate"], ofRewards = ["entropy", "grad_norm", "learning_rate"];

/** One run. */
export function Run() {
    const { path } = useRoute(), name = path[1] ?? "", { runs, jobs, canStart, state } = useHome();
    const line = runs.get(name), [trouble, set] = useState("");
    const asked = useAsked<RunView>(line ? `${name}#${line.status}` : null, signal => get(`/api/run?${query({ name })}`, signal));
    const more = line?.status === "stopped" || line?.status === "fault" || line?.status === "running";
    const command = useAsked<CommandView>(canStart && line && more ? `${name}#${line.status}` : null,
        signal => post("/api/jobs/command", { verb: "resume", name, settings: null }, signal));
    const view = asked.value;
    if (!line) return <Page title={name}>{state === "first" ? <Busy text="Reading the home…" />
        : <Empty title="There is no such run"><p>It may have been deleted while you looked at it. <Link to="/runs">All runs</Link></p></Empty>}</Page>;
    const left = line.step > 0 && line.status === "running" && line.steps > line.step ? line.seconds / line.step * (line.steps - line.step) : null;
    const rewards = line.kind === "rewards";
    const facts: [string, string][] = [
        ["steps", `${line.step.toLocaleString("en")} of ${line.steps.toLocaleString("en")}`],
        ...(line.valid_loss === null ? [] : [["held-out loss", `${number(line.valid_loss)} nats`], ["bits a byte", number(line.bits_per_byte)]] as [string, string][]),
        ["parameters", quantity(line.parameters)], ["tokens", quantity(line.tokens)], ["FLOPs", power(line.flops)], ["trained for", duration(line.seconds)],
        ...(rewards ? [] : [["tokens a second", quantity(line.tokens_per_second)]] as [string, string][]),
    ];
    const own = jobs.filter(j => j.command.includes(` name=${name} `) || (line.study && j.command.includes(line.study)));
    return (
        <Page title={name} wide lead={<><Status of={line.status} /> on {line.corpus}{line.study && <>, a run of <Link to={`/laws/${line.study}`}>{line.study}</Link></>}{left !== null && <>, about {duration(left)} left</>}.{rewards && <> It learns from rewards: <Link to={`/thinking/${name}`}>what they were, and what it thinks</Link>.</>}</>}>
            {line.problem && <Trouble text={line.problem} />}
            {line.status === "fault" && view && view.events.length > 0 && <Trouble text={view.events[view.events.length - 1]!.note} />}
            <section class="card"><dl class="facts">{facts.map(([k, v]) => <div key={k}><dt>{k}</dt><dd>{v}</dd></div>)}</dl></section>
            {line.step > 0 ? <RunCharts runs={[name]} ys={rewards ? ofRewards : ys} /> : <Empty title="No step yet"><p>Curves appear here with the first rows.</p></Empty>}
            {more && <section class="card"><h2>{line.status === "running" ? "Stop" : "Go on"}</h2>
                {line.status === "running" && own.length === 0 && <p>It was started elsewhere{line.pid > 0 && <>, as process {line.pid}</>}: stop it there with Ctrl-C. It saves first, and the same command goes on.</p>}
                {command.value && <Command text={command.value.command} />}
                {command.error && <p class="note">{command.error}</p>}
                {line.status !== "running" && command.value && <p><button type="button" class="main" onClick={() => void post<JobLine>("/api/jobs", { verb: "resume", name, settings: null }).then(() => set(""), (e: Error) => set(e.message))}>Go on</button></p>}
                {trouble && <Trouble text={trouble} />}
            </section>}
            <Jobs of={own} />
            <div class="cols">
                <section class="card"><h2>What happened</h2>
                    {view && view.events.length > 0 ? <div class="scroll" tabIndex={0} role="region" aria-label="What happened"><table><tbody>{view.events.map((e, i) => <tr key={i}><td>{e.utc.slice(0, 19).replace("T", " ")}</td><td>{e.event}</td><td class="n">{e.step}</td><td class="wrap">{e.note}</td></tr>)}</tbody></table></div> : <p>Nothing is written there.</p>}
                    {view && view.checkpoints.length > 0 && <p>Checkpoints at steps {view.checkpoints.slice(-8).join(", ")}. {view.machine}</p>}
                </section>
                <section class="card"><h2>Settings</h2>
                    {view && <div class="scroll" tabIndex={0} role="region" aria-label="Settings" style={{ maxHeight: "24rem" }}><table><tbody>{view.settings.map(s => <tr key={s.key}><td><code>{s.key}</code></td><td class="wrap">{s.value}</td></tr>)}</tbody></table></div>}
                    {asked.error && <Trouble text={asked.error} />}
                </section>
            </div>
        </Page>
    );
}
