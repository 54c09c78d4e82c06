import {
  ArrowDownToLine,
  Download,
  Eraser,
  Play,
  ScrollText,
  SearchX,
  WrapText,
} from "lucide-react";
import {
  memo,
  useDeferredValue,
  useEffect,
  useMemo,
  useRef,
  useState,
} from "react";
import { errorText } from "../../api/errorText";
import { recall, remember } from "../../app/storage";
import { t } from "../../strings";
import { Busy, Button, CopyButton, Empty, IconButton, toast } from "../../ui";
import { useBuilder, useStore } from "../context";
import { LinkedText } from "./LinkedText";
import css from "./logs.module.css";
import {
  filterRows,
  mergeRows,
  rowsAsText,
  type LogFilter,
  type LogRow,
} from "./rows";
import { ScrollArea } from "./ScrollArea";
import { useHasFile } from "./useHasFile";
import { useStickToEnd } from "./useStickToEnd";

const WRAP = "logs.wrap";
const isBoolean = (value: unknown): value is boolean =>
  typeof value === "boolean";

const stateName = (state: string): string =>
  (t.app as Record<string, string>)[state] ?? state;

const timeOf = (ms: number): string =>
  new Date(ms).toLocaleTimeString(undefined, { hour12: false });

interface RowProps {
  row: LogRow;
  query: string;
  hasFile: (path: string) => boolean;
}

const Row = memo(function Row({ row, query, hasFile }: RowProps) {
  const isGrave = row.level !== "info";
  return (
    <li
      className={css.row}
      data-level={row.level}
      data-state={row.state}
      data-ours={row.isOurs || undefined}
    >
      <time
        className={css.time}
        dateTime={new Date(row.t).toISOString()}
        title={new Date(row.t).toLocaleString()}
      >
        {timeOf(row.t)}
      </time>
      <span className={css.source}>{t.logs.sources[row.source]}</span>
      <span className={css.text}>
        {isGrave && (
          <span className="visually-hidden">{t.logs.levels[row.level]}: </span>
        )}
        {row.state && (
          <strong>
            {stateName(row.state)}
            {row.text && ": "}
          </strong>
        )}
        <LinkedText text={row.text} query={query} hasFile={hasFile} />
      </span>
    </li>
  );
});

function download(text: string): void {
  const url = URL.createObjectURL(new Blob([text], { type: "text/plain" }));
  const link = document.createElement("a");
  link.href = url;
  link.download = "app.log";
  link.click();
  setTimeout(() => URL.revokeObjectURL(url), 10_000);
}

interface BarProps {
  filter: LogFilter;
  onFilter: (change: Partial<LogFilter>) => void;
  shown: number;
  wrap: boolean;
  onWrap: () => void;
  isFollowing: boolean;
  onFollow: () => void;
  text: () => string;
}

function Bar(props: BarProps) {
  const { filter, onFilter, shown, wrap, isFollowing } = props;
  const { app, pageLog } = useBuilder();
  const search = useRef<HTMLInputElement>(null);
  return (
    <div role="toolbar" aria-label={t.logs.toolbar} className={css.bar}>
      <input
        ref={search}
        type="search"
        className={css.search}
        aria-label={t.logs.search}
        placeholder={t.logs.search}
        maxLength={200}
        value={filter.query}
        onChange={(event) =>
          onFilter({
            query: event.currentTarget.value,
          })
        }
      />
      <select
        className={css.select}
        aria-label={t.logs.level}
        value={filter.level}
        onChange={(event) =>
          onFilter({
            level: event.currentTarget.value as LogFilter["level"],
          })
        }
      >
        <option value="info">{t.logs.allLevels}</option>
        <option value="warn">{t.logs.warnAndError}</option>
        <option value="error">{t.logs.onlyErrors}</option>
      </select>
      <select
        className={css.select}
        aria-label={t.logs.source}
        value={filter.source}
        onChange={(event) =>
          onFilter({
            source: event.currentTarget.value as LogFilter["source"],
          })
        }
      >
        <option value="all">{t.logs.allSources}</option>
        <option value="app">{t.logs.sources.app}</option>
        <option value="install">{t.logs.sources.install}</option>
        <option value="page">{t.logs.sources.page}</option>
      </select>
      <span className={css.count} role="status">
        {t.logs.lines(shown)}
      </span>
      <div className={css.tools}>
        <IconButton
          size="small"
          label={t.logs.follow}
          icon={<ArrowDownToLine aria-hidden="true" />}
          aria-pressed={isFollowing}
          onClick={props.onFollow}
        />
        <IconButton
          size="small"
          label={t.logs.wrap}
          icon={<WrapText aria-hidden="true" />}
          aria-pressed={wrap}
          onClick={props.onWrap}
        />
        <CopyButton text={props.text} label={t.logs.copy} />
        <IconButton
          size="small"
          label={t.logs.download}
          icon={<Download aria-hidden="true" />}
          disabled={shown === 0}
          onClick={() => download(props.text())}
        />
        <IconButton
          size="small"
          label={t.logs.clear}
          icon={<Eraser aria-hidden="true" />}
          onClick={() => {
            app.clear();
            if (filter.source === "all" || filter.source === "page") {
              pageLog.clear();
            }
          }}
        />
      </div>
    </div>
  );
}

function Nothing({
  isFiltered,
  onAll,
}: {
  isFiltered: boolean;
  onAll: () => void;
}) {
  const { app } = useBuilder();
  const { status, reconnecting } = useStore(app);
  if (isFiltered) {
    return (
      <Empty
        icon={<SearchX aria-hidden="true" />}
        title={t.logs.noneFound}
        action={<Button onClick={onAll}>{t.logs.showAll}</Button>}
      >
        {t.logs.noneFoundText}
      </Empty>
    );
  }
  if (!status && !reconnecting) {
    return <Busy text={t.logs.asking} />;
  }
  const isStopped = status?.state === "stopped" && status.version > 0;
  return (
    <Empty
      icon={<ScrollText aria-hidden="true" />}
      title={t.logs.empty}
      action={
        isStopped && (
          <Button
            onClick={() =>
              app.start().catch((error: unknown) => {
                toast({
                  text: errorText(error),
                  tone: "bad",
                });
              })
            }
          >
            <Play aria-hidden="true" />
            {t.logs.start}
          </Button>
        )
      }
    >
      {isStopped ? t.logs.emptyStopped : t.logs.emptyText}
    </Empty>
  );
}

const EVERYTHING: LogFilter = { level: "info", source: "all", query: "" };

/** What was looked for last, for when one comes back from a file that a line led to. */
const lastFilters = new Map<string, LogFilter>();

/** What the app prints, what it is installed with, and what its page says. */
export default function LogsPane() {
  const { projectId, app, pageLog } = useBuilder();
  const { lines, reconnecting } = useStore(app);
  const messages = useStore(pageLog);
  const hasFile = useHasFile();
  const [filter, setFilter] = useState(
    () => lastFilters.get(projectId) ?? EVERYTHING,
  );
  const [wrap, setWrap] = useState(() => recall(WRAP, isBoolean) ?? true);
  const wanted = useDeferredValue(filter);
  const all = useMemo(() => mergeRows(lines, messages), [lines, messages]);
  const rows = useMemo(() => filterRows(all, wanted), [all, wanted]);
  const { list, isFollowing, setFollowing, onScroll } = useStickToEnd(rows);

  const choose = (next: LogFilter) => {
    setFilter(next);
    lastFilters.set(projectId, next);
  };
  const latest = useRef(rows);
  useEffect(() => {
    latest.current = rows;
  }, [rows]);

  return (
    <div className={css.pane}>
      <Bar
        filter={filter}
        onFilter={(change) => choose({ ...filter, ...change })}
        shown={rows.length}
        wrap={wrap}
        onWrap={() => {
          setWrap(!wrap);
          remember(WRAP, !wrap);
        }}
        isFollowing={isFollowing}
        onFollow={() => setFollowing(!isFollowing)}
        text={() => rowsAsText(latest.current, stateName)}
      />
      {reconnecting && (
        <p role="status" className={css.banner}>
          {t.logs.reconnecting}
        </p>
      )}
      {rows.length === 0 ? (
        <div className={css.nothing}>
          <Nothing
            isFiltered={all.length > 0}
            onAll={() => choose(EVERYTHING)}
          />
        </div>
      ) : (
        <ScrollArea
          area={list}
          label={t.logs.list}
          className={css.list}
          onScroll={onScroll}
        >
          <ol data-wrap={wrap || undefined}>
            {rows.map((row) => (
              <Row
                key={row.key}
                row={row}
                query={wanted.query}
                hasFile={hasFile}
              />
            ))}
          </ol>
        </ScrollArea>
      )}
      {!isFollowing && rows.length > 0 && (
        <Button
          size="small"
          className={css.toEnd}
          onClick={() => setFollowing(true)}
        >
          <ArrowDownToLine aria-hidden="true" />
          {t.logs.toEnd}
        </Button>
      )}
    </div>
  );
}
