// Written from the records of src/Isoflop.Web by TypeScriptTests; ISOFLOP_REWRITE=1 writes it anew.

export interface ClimbView {
    run: string;
    budget: number | null;
    parameters: number;
    text: string;
    answer_nats: number | null;
}

export interface CommandView {
    command: string;
}

export interface Curve {
    x: number[];
    y: number[];
}

export interface DoctorLine {
    name: string;
    text: string;
}

export interface EventLine {
    event: string;
    utc: string;
    step: number;
    note: string;
}

export interface HomeChange {
    root: string;
    program: string;
    can_start: boolean;
    version: number;
    whole: boolean;
    scanned: number;
    total: number;
    runs: RunLine[];
    gone: string[];
    studies: StudyLine[];
    corpora: string[];
    jobs: JobLine[];
}

export interface JobLine {
    id: number;
    command: string;
    state: string;
    exit: number | null;
    started: string;
    output: string[];
}

export interface LawBlock {
    kind: string;
    text: string;
    heads: string[];
    rows: string[][];
    file: string;
    tokens: TokenNats[];
}

export interface LawPage {
    study: string;
    blocks: LawBlock[];
    problem: string;
}

export interface LossView {
    run: string;
    mean: number;
    tokens: TokenNats[];
}

export interface MapCell {
    budget: number;
    accuracy: number | null;
    low: number | null;
    high: number | null;
    ability: number | null;
    nats: number | null;
    items: number;
    loss: number | null;
}

export interface MapItem {
    run: string;
    id: string;
    prompt: string;
    choices: string[];
    answer: string;
    score: number;
    answer_nats: number | null;
    margin: number | null;
    reply: string | null;
}

export interface MapShare {
    task: string;
    nats: number[];
}

export interface MapTask {
    task: string;
    class: string;
    evidence: string;
    chance: number | null;
    cells: MapCell[];
}

export interface MapView {
    study: string;
    budgets: number[];
    tasks: MapTask[];
    shares: MapShare[];
    command: string;
    problem: string;
}

export interface NextView {
    models: WordModel[];
    rows: WordRow[];
}

export interface RlPoint {
    step: number;
    reward: number;
    length: number;
    thinking: number;
    truncated: number;
    entropy: number;
    flops: number;
}

export interface RunLine {
    name: string;
    status: string;
    kind: string;
    study: string;
    corpus: string;
    parameters: number;
    step: number;
    steps: number;
    tokens: number;
    flops: number;
    seconds: number;
    loss: number | null;
    valid_loss: number | null;
    bits_per_byte: number | null;
    tokens_per_second: number | null;
    peak_share: number | null;
    created: string;
    problem: string;
    pid: number;
}

export interface RunView {
    line: RunLine;
    settings: SettingLine[];
    events: EventLine[];
    machine: string;
    command: string;
    checkpoints: number[];
}

export interface SeriesLine {
    run: string;
    y: string;
    rows: number;
    points: Curve;
    smooth: Curve | null;
}

export interface SeriesView {
    x: string;
    lines: SeriesLine[];
    missing: string[];
    more: boolean;
}

export interface SettingLine {
    key: string;
    value: string;
}

export interface StartAsked {
    verb: string;
    name: string;
    settings: string[] | null;
}

export interface StopAsked {
    id: number;
}

export interface StudyLine {
    name: string;
    corpus: string;
    low: number | null;
    high: number | null;
    runs: number;
    done: number;
    running: boolean;
    best: number | null;
    problem: string;
}

export interface ThinkingView {
    run: string;
    charts: string[];
    steps: RlPoint[];
    doctor: DoctorLine[];
    traces: Trace[];
    signs: Record<string, string>;
    problem: string;
}

export interface TokenNats {
    token: string;
    nats: number;
}

export interface Trace {
    step: number;
    level: string;
    prompt: string;
    reply: string;
    right: boolean;
    ended: boolean;
    tokens: number;
    attempts: number;
    checks: number;
    steps_back: number;
    changes: number;
    tree: TreePlace[];
}

export interface TreePlace {
    parent: number;
    choice: string;
    outcome: string;
    visits: number;
}

export interface Trouble {
    error: string;
}

export interface WordModel {
    run: string;
    budget: number | null;
    parameters: number;
    entropy: number;
}

export interface WordRow {
    token: string;
    shares: number[];
}

export interface WordsAsked {
    study: string;
    models: string[] | null;
    text: string;
    tokens: number | null;
    temperature: number | null;
    answer: string | null;
}

export interface WorkerLine {
    name: string;
    host: string;
    state: string;
    run: string;
    step: number;
    steps: number;
    done: number;
    failed: number;
}
