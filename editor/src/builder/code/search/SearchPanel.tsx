import { useQuery } from "@tanstack/react-query";
import { CaseSensitive } from "lucide-react";
import { useEffect, useRef, useState } from "react";
import type { SearchHit } from "../../../api/types";
import { t } from "../../../strings";
import { Busy, ErrorNote, IconButton, TextField } from "../../../ui";
import { useStore } from "../../context";
import { isUnsaved } from "../buffers/machine";
import { useCode } from "../CodeContext";
import { FileIcon } from "../tree/fileIcon";
import { groupHits, markedLine } from "./hits";
import css from "./search.module.css";

const TYPING_MS = 250;
const MAX_QUERY_BYTES = 200;

/** What it was, `ms` after it last changed. */
function useSettled<T>(value: T, ms: number): T {
  const [settled, setSettled] = useState(value);
  useEffect(() => {
    const timer = setTimeout(() => setSettled(value), ms);
    return () => clearTimeout(timer);
  }, [value, ms]);
  return settled;
}

function Hit({ hit, query }: { hit: SearchHit; query: string }) {
  const { open } = useCode();
  const [before, match, after] = markedLine(hit.text, query);
  return (
    <li>
      <button
        type="button"
        className={css.hit}
        aria-label={`${t.code.hitLabel(hit.path, hit.line)}: ${hit.text.trim()}`}
        onClick={() =>
          open(hit.path, {
            line: hit.line,
            column: hit.column,
          })
        }
      >
        <span className={css.line}>{hit.line}</span>
        <code className={css.text}>
          {before}
          <mark>{match}</mark>
          {after}
        </code>
      </button>
    </li>
  );
}

export function SearchPanel() {
  const { session, list } = useCode();
  const [query, setQuery] = useState("");
  const [matchCase, setMatchCase] = useState(false);
  const settled = useSettled(query, TYPING_MS);
  const isAsked =
    settled.trim() !== "" &&
    new TextEncoder().encode(settled).length <= MAX_QUERY_BYTES;
  const result = useQuery({
    queryKey: [
      "project",
      session.projectId,
      "search",
      settled,
      matchCase,
      list?.version,
    ],
    queryFn: ({ signal }) => session.files.search(settled, matchCase, signal),
    enabled: isAsked,
    placeholderData: (previous) => previous,
  });
  const buffers = useStore(session.buffers);
  const hasUnsaved = [...buffers.values()].some((buffer) =>
    isUnsaved(buffer.state),
  );
  const box = useRef<HTMLDivElement>(null);
  useEffect(() => {
    box.current?.querySelector("input")?.focus();
  }, []);
  const groups = groupHits(result.data?.items ?? []);

  return (
    <div ref={box} className={css.panel}>
      <div className={css.query}>
        <TextField
          label={t.code.searchLabel}
          hideLabel
          type="search"
          placeholder={t.code.searchLabel}
          value={query}
          maxLength={MAX_QUERY_BYTES}
          onChange={(event) => setQuery(event.target.value)}
          spellCheck={false}
        />
        <IconButton
          label={t.code.matchCase}
          icon={<CaseSensitive />}
          aria-pressed={matchCase}
          className={css.toggle}
          onClick={() => setMatchCase(!matchCase)}
        />
      </div>
      <p className={css.summary} role="status">
        {!isAsked
          ? t.code.searchHint
          : result.isFetching
            ? t.code.searching
            : result.data &&
              (groups.length === 0
                ? t.code.noHits(settled)
                : t.code.hits(result.data.items.length, groups.length))}
      </p>
      {hasUnsaved && <p className={css.summary}>{t.code.searchUnsaved}</p>}
      {result.error && isAsked && (
        <ErrorNote error={result.error} onRetry={() => void result.refetch()} />
      )}
      {isAsked && result.isLoading && <Busy />}
      {isAsked && (
        <div className={css.results}>
          {groups.map(({ path, hits }) => (
            <section key={path} aria-label={path}>
              <h3 className={css.path} title={path}>
                <FileIcon path={path} />
                <span>{path}</span>
                <small>{hits.length}</small>
              </h3>
              <ul className={css.hits}>
                {hits.map((hit) => (
                  <Hit
                    key={`${hit.line}:${hit.column}`}
                    hit={hit}
                    query={settled}
                  />
                ))}
              </ul>
            </section>
          ))}
          {result.data?.truncated && (
            <p className={css.summary}>{t.code.hitsCut}</p>
          )}
        </div>
      )}
    </div>
  );
}
