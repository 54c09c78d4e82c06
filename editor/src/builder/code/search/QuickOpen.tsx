import { useEffect, useId, useRef, useState, type KeyboardEvent } from "react";
import { t } from "../../../strings";
import { Dialog, TextField } from "../../../ui";
import { FileIcon } from "../tree/fileIcon";
import { fuzzySearch, type FuzzyMatch } from "./fuzzy";
import css from "./search.module.css";

/** The path with the letters that were typed made bold. */
function Marked({ match }: { match: FuzzyMatch }) {
  const marked = new Set(match.positions);
  return (
    <span className={css.quickPath}>
      {[...match.path].map((letter, i) =>
        marked.has(i) ? <b key={i}>{letter}</b> : letter,
      )}
    </span>
  );
}

export interface QuickOpenProps {
  paths: readonly string[];
  recent: readonly string[];
  onPick: (path: string) => void;
  onClose: () => void;
}

/** A file by some letters of its name (WAI-ARIA, "Combobox" with a list). */
export function QuickOpen({ paths, recent, onPick, onClose }: QuickOpenProps) {
  const [query, setQuery] = useState("");
  const [chosen, setChosen] = useState(0);
  const id = useId();
  const list = useRef<HTMLDivElement>(null);
  const matches = fuzzySearch(paths, query, recent);
  const at = Math.min(chosen, matches.length - 1);

  useEffect(() => {
    list.current
      ?.querySelector('[aria-selected="true"]')
      ?.scrollIntoView({ block: "nearest" });
  }, [at]);

  const pick = (path: string | undefined) => {
    if (path) {
      onClose();
      onPick(path);
    }
  };
  const onKeyDown = (event: KeyboardEvent) => {
    const to = { ArrowDown: at + 1, ArrowUp: at - 1 }[event.key];
    if (to !== undefined && matches.length > 0) {
      event.preventDefault();
      setChosen((to + matches.length) % matches.length);
    } else if (event.key === "Enter") {
      event.preventDefault();
      pick(matches[at]?.path);
    }
  };

  return (
    <Dialog open onClose={onClose} title={t.code.quickOpen}>
      <div>
        <TextField
          label={t.code.quickOpenLabel}
          hideLabel
          placeholder={t.code.quickOpenLabel}
          value={query}
          onChange={(event) => {
            setQuery(event.target.value);
            setChosen(0);
          }}
          onKeyDown={onKeyDown}
          role="combobox"
          aria-expanded={matches.length > 0}
          aria-controls={`${id}-list`}
          aria-autocomplete="list"
          aria-activedescendant={at >= 0 ? `${id}-${at}` : undefined}
          autoComplete="off"
          spellCheck={false}
        />
      </div>
      <div
        id={`${id}-list`}
        ref={list}
        role="listbox"
        aria-label={t.code.files}
        className={css.quickList}
      >
        {matches.map((match, i) => (
          // The keys are the field's, which keeps the focus.
          // eslint-disable-next-line jsx-a11y/click-events-have-key-events
          <div
            key={match.path}
            id={`${id}-${i}`}
            role="option"
            tabIndex={-1}
            aria-selected={i === at}
            className={css.quickItem}
            onClick={() => pick(match.path)}
          >
            <FileIcon path={match.path} />
            <Marked match={match} />
          </div>
        ))}
      </div>
      {matches.length === 0 && <p role="status">{t.code.quickOpenNone}</p>}
    </Dialog>
  );
}
