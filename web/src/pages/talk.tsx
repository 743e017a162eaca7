import type { LawPage, ThinkingView } from "../api";
import { get, query, useAsked, useHome } from "../net";
import { Busy, Command, Link, Page, Picture } from "../parts";

interface Slide {
    title: string;
    /** what is claimed, and what came where it was measured for the project's results */
    claim: string;
    came: string;
    command: string;
    kept: string;
    alt: string;
    /** what the visitor may have of it: a picture of a study's page, or that of a run that learns to think */
    file?: string;
    thinks?: boolean;
}

interface Own {
    src: string;
    from: string;
    to: string;
}

/** The visitor's own picture of a slide, where a study or a run has one. */
function useOwn(): (slide: Slide) => Own | undefined {
    const { studies, runs } = useHome();
    const study = [...studies].sort((a, b) => b.done - a.done).find(s => s.done >= 6 && s.low !== s.high);
    const run = [...runs.values()].filter(r => r.kind === "rewards" && r.status === "done").sort((a, b) => b.created.localeCompare(a.created))[0];
    const laws = useAsked<LawPage>(study ? `${study.name}#${study.done}` : null, signal => get(`/api/laws?${query({ study: study?.name })}`, signal)).value;
    const thoughts = useAsked<ThinkingView>(run?.name ?? null, signal => get(`/api/thinking?${query({ run: run?.name })}`, signal)).value;
    return s => (s.file && study && laws?.blocks.some(b => b.file === s.file) ? { src: `/api/laws/picture?${query({ study: study.name, file: s.file })}`, from: study.name, to: `/laws/${study.name}` }
        : s.thinks && run && (thoughts?.charts.length ?? 0) > 0 ? { src: `/api/thinking/picture?${query({ run: run.name, index: 0 })}`, from: run.name, to: `/thinking/${run.name}` } : undefined);
}

const slides: Slide[] = [
    { title: "More compute, less loss", claim: "Loss falls smoothly with training compute, over many decades, along one line.", came: "Over four decades and 101 runs it fell by about 0.6 nats a decade, but no single law held for more than one: forecasts of the last decade said too much loss, the best by 8.6 %.", command: "isoflop ladder recipes/decades.json", kept: "compute", alt: "Loss against training compute: 101 runs and their law", file: "compute.svg" },
    { title: "Size against data", claim: "At each budget one size is best, and the best size grows with the budget.", came: "The best size grew as the square root of compute, and the tokens stayed near twenty a parameter.", command: "isoflop report decades", kept: "isoflop", alt: "Loss against size at each budget", file: "isoflop.svg" },
    { title: "Two laws, one quarrel", claim: "Kaplan and Chinchilla disagreed about how the best size grows because they counted and trained otherwise.", came: "Which parameters are counted moves the exponent of the best size most: 0.43 with all of them, 0.47 without the input embedding, 0.58 without embedding and head. The schedule moves it less.", command: "sh recipes/kaplan-chinchilla.sh", kept: "kc-chinchilla", alt: "The best size against compute, by both ways of counting" },
    { title: "One dial for every run", claim: "A law needs runs that are each trained as well as can be: one rule for the rate, whatever the size.", came: "In all 16 cells the rule's rate was within a factor of two of the best. A rate foretold at 10¹³ FLOPs came second, by 0.0008 nats of one seed.", command: "sh recipes/dial.sh", kept: "runs", alt: "Loss above the best rate of each cell against the rate" },
    { title: "What a model can do", claim: "Next-word prediction is many tasks at once; some rise smoothly, some seem to jump.", came: "Of 41 tasks eleven rose, twelve stayed flat, one fell, seventeen could not be told. Answers became likelier long before they became right.", command: "isoflop map world", kept: "map", alt: "41 tasks of a generated world against seven budgets" },
    { title: "Learning to think", claim: "Reinforcement on checked answers makes a model think first, and its accuracy rises with that compute.", came: "On two of four tasks it chose a mode that the demonstrations held; on searches it made attempts surer, if it took at all. Fine-tuning on own right replies did as well.", command: "sh recipes/thinking.sh parity:2 results/thinking", kept: "parity-2", alt: "Accuracy against the compute of reinforcement, beside its controls", thinks: true },
    { title: "Thinking longer", claim: "Accuracy can be bought at test time as well: more replies, a vote, a check.", came: "On the small sudoku sixteen replies and a check went from 0.59 to 1.00; votes stalled near 0.8. On roots, beyond trying, the model added nothing.", command: "sh recipes/thinking-longer.sh sudoku4:2 results/longer", kept: "sudoku4-2", alt: "Accuracy against test-time FLOPs, four strategies beside ideal random search" },
    { title: "Where the next FLOP should go", claim: "Training and thinking trade against each other on one ledger.", came: "Ten times the thought replaced a factor 1.9 of training at accuracy 0.9. The best split for 6e11 FLOPs was forecast at 0.998; fresh seeds gave 1.000.", command: "isoflop frontier recipes/frontier.json", kept: "frontier", alt: "Accuracy over training and test-time compute" },
];

/** The talk's charts, in its order: the visitor's own where there are some. */
export function Talk() {
    const { state } = useHome(), ownOf = useOwn();
    if (state === "first") return <Page title="The talk"><Busy text="Reading the home…" /></Page>;
    return (
        <Page title="The talk" lead="Two paradigms of scaling, chart by chart: what is claimed, what came, and the command. A chart from your own runs says so; the others are of the project's results.">
            {slides.map((s, i) => {
                const own = ownOf(s);
                return (
                    <section class="card slide" key={s.title}>
                        <h2>{i + 1}. {s.title}</h2>
                        <p class="said">{s.claim}</p>
                        <Picture src={own?.src ?? `/results-${s.kept}.svg?kept`} alt={s.alt} drawn={!own && s.kept === "map"} {...(own || s.kept !== "map" ? { size: [860, 480] as const } : {})} />
                        <div class="row middle">{own ? <><span class="badge own">from your runs</span><Link to={own.to}>{own.from}</Link></> : <span class="badge">from the project's results, not from your runs</span>}</div>
                        <p class="came"><b>What came in the project's results:</b> {s.came}</p>
                        <Command text={s.command} />
                    </section>
                );
            })}
        </Page>
    );
}
