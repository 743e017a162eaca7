import type { ComponentChildren } from "preact";
import { useEffect, useMemo, useRef, useState } from "preact/hooks";

export interface Column<T> {
    key: string;
    title: string;
    /** what it is ordered by; numbers stand to the right */
    of: (row: T) => string | number | null;
    show?: (row: T) => ComponentChildren;
    width: string;
}

interface Props<T> {
    label: string;
    rows: readonly T[];
    columns: readonly Column<T>[];
    id: (row: T) => string;
    order?: string;
    down?: boolean;
    chosen?: ReadonlySet<string>;
    onChoose?: (id: string, on: boolean) => void;
    height?: number;
}

const rowHeight = 36;

/** A table of any length: of thousands of rows only those in sight are drawn. */
export function Table<T>(props: Props<T>) {
    const [order, setOrder] = useState(props.order ?? ""), [down, setDown] = useState(props.down ?? false);
    const [top, setTop] = useState(0), [seen, setSeen] = useState(600);
    const box = useRef<HTMLDivElement>(null);
    const sorted = useMemo(() => {
        const column = props.columns.find(c => c.key === order);
        if (!column) return props.rows;
        const compare = (a: T, b: T): number => {
            const x = column.of(a), y = column.of(b);
            if (x === null || y === null) return x === y ? 0 : x === null ? 1 : -1;
            return (typeof x === "number" && typeof y === "number" ? x - y : String(x).localeCompare(String(y), "en", { numeric: true })) * (down ? -1 : 1);
        };
        return [...props.rows].sort(compare);
    }, [props.rows, order, down]);
    useEffect(() => {
        const watch = new ResizeObserver(e => setSeen(e[0]!.contentRect.height));
        watch.observe(box.current!);
        return () => watch.disconnect();
    }, []);
    const first = Math.max(0, Math.floor(top / rowHeight) - 5), last = Math.min(sorted.length, Math.ceil((top + seen) / rowHeight) + 5);
    const numeric = (c: Column<T>): string => (sorted.length > 0 && typeof c.of(sorted[0]!) === "number" ? "n" : "");
    return (
        <div class="table" ref={box} tabIndex={0} role="region" aria-label={props.label} onScroll={e => setTop(e.currentTarget.scrollTop)}
            style={{ maxHeight: `${props.height ?? 560}px` }}>
            <table aria-rowcount={sorted.length + 1}>
                <thead><tr>
                    {props.onChoose && <th class="pick"><span class="unseen">in the charts</span></th>}
                    {props.columns.map(c => (
                        <th key={c.key} scope="col" class={numeric(c)} style={{ minWidth: c.width }} aria-sort={order === c.key ? (down ? "descending" : "ascending") : "none"}>
                            <button type="button" onClick={() => {
                                setDown(order === c.key ? !down : numeric(c) === "n");
                                setOrder(c.key);
                            }}>{c.title}<span aria-hidden="true">{order === c.key ? (down ? " ▾" : " ▴") : ""}</span></button>
                        </th>))}
                </tr></thead>
                <tbody>
                    {first > 0 && <tr aria-hidden="true" style={{ height: `${first * rowHeight}px` }}><td colSpan={99} /></tr>}
                    {sorted.slice(first, last).map((row, i) => {
                        const id = props.id(row);
                        return (
                            <tr key={id} aria-rowindex={first + i + 2} class={props.chosen?.has(id) ? "chosen" : ""}>
                                {props.onChoose && <td class="pick"><input type="checkbox" aria-label={`${id} in the charts`} checked={props.chosen?.has(id)}
                                    onChange={e => props.onChoose!(id, e.currentTarget.checked)} /></td>}
                                {props.columns.map(c => <td key={c.key} class={numeric(c)}>{c.show ? c.show(row) : c.of(row)}</td>)}
                            </tr>);
                    })}
                    {last < sorted.length && <tr aria-hidden="true" style={{ height: `${(sorted.length - last) * rowHeight}px` }}><td colSpan={99} /></tr>}
                </tbody>
            </table>
        </div>
    );
}
