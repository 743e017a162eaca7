import { useEffect, useReducer } from "preact/hooks";

const listeners = new Set<() => void>();

/** Goes to a page of ours. */
export function go(to: string, replace = false): void {
    if (replace) history.replaceState(null, "", to);
    else history.pushState(null, "", to);
    for (const listener of listeners) listener();
    if (!replace) {
        window.scrollTo(0, 0);
        document.getElementById("main")?.focus({ preventScroll: true });
    }
}

/** The page and what stands behind it: /laws/decades is ["laws", "decades"]. */
export function useRoute(): { path: string[]; search: URLSearchParams } {
    const [, draw] = useReducer((n: number, _: void) => n + 1, 0);
    useEffect(() => {
        const tell = () => draw();
        listeners.add(tell);
        window.addEventListener("popstate", tell);
        return () => {
            listeners.delete(tell);
            window.removeEventListener("popstate", tell);
        };
    }, []);
    return {
        path: location.pathname.split("/").filter(p => p).map(decodeURIComponent),
        search: new URLSearchParams(location.search),
    };
}
