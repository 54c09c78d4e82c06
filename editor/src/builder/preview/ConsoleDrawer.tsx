import {
  CircleAlert,
  Eraser,
  Info,
  TriangleAlert,
  Unplug,
  WandSparkles,
  X,
} from "lucide-react";
import { memo, useDeferredValue, useMemo, useState } from "react";
import { t } from "../../strings";
import { Button, CopyButton, IconButton } from "../../ui";
import {
  useBuilder,
  useSelected,
  useStore,
  type PageMessage,
} from "../context";
import { LinkedText, PlaceLink } from "../logs/LinkedText";
import { placeOfUrl } from "../logs/links";
import { ScrollArea } from "../logs/ScrollArea";
import { useHasFile } from "../logs/useHasFile";
import { useStickToEnd } from "../logs/useStickToEnd";
import { fixPrompt } from "./fixPrompt";
import { groupMessages } from "./messages";
import css from "./preview.module.css";

const FILTERS = ["all", "error", "warn", "network"] as const;
type Filter = (typeof FILTERS)[number];

const passes = (message: PageMessage, filter: Filter): boolean =>
  filter === "all" ||
  (filter === "network" ? message.kind === filter : message.level === filter);

function LevelIcon({ message }: { message: PageMessage }) {
  const name = t.preview.levels[message.level];
  const Icon =
    message.kind === "network"
      ? Unplug
      : message.level === "error"
        ? CircleAlert
        : message.level === "warn"
          ? TriangleAlert
          : Info;
  return <Icon role="img" aria-label={name} />;
}

interface RowProps {
  message: PageMessage;
  times: number;
  hasFile: (path: string) => boolean;
  onFix: ((message: PageMessage) => void) | null;
}

const Row = memo(function Row({ message, times, hasFile, onFix }: RowProps) {
  const place = placeOfUrl(message.at, hasFile);
  const whole = [message.text, message.detail].filter(Boolean).join("\n");
  const isShort = message.kind === "network" || !message.detail;
  return (
    <li className={css.message} data-level={message.level}>
      <LevelIcon message={message} />
      <div className={css.messageText}>
        <LinkedText text={message.text} hasFile={hasFile} />
        {times > 1 && (
          <span className={css.times}>
            <span aria-hidden="true">×{times}</span>
            <span className="visually-hidden">{t.preview.times(times)}</span>
          </span>
        )}
        {message.detail &&
          (isShort ? (
            <div className={css.detail}>{message.detail}</div>
          ) : (
            <details className={css.detail}>
              <summary>{t.preview.stack}</summary>
              <LinkedText text={message.detail} hasFile={hasFile} />
            </details>
          ))}
      </div>
      <div className={css.messageActions}>
        {place && (
          <PlaceLink
            place={place}
            text={place.line ? `${place.path}:${place.line}` : place.path}
          />
        )}
        {message.level === "error" && onFix && (
          <Button size="small" onClick={() => onFix(message)}>
            <WandSparkles aria-hidden="true" />
            {t.preview.fix}
          </Button>
        )}
        <CopyButton text={whole} label={t.preview.copyMessage} />
      </div>
    </li>
  );
});

/** What the page in the preview says: its console, its errors, what it could not load. */
export function ConsoleDrawer({ onClose }: { onClose: () => void }) {
  const { pageLog, conversation } = useBuilder();
  const messages = useDeferredValue(useStore(pageLog));
  const isTurnRunning = useSelected(conversation, (s) => s.running !== null);
  const hasFile = useHasFile();
  const [filter, setFilter] = useState<Filter>("all");
  const groups = useMemo(
    () => groupMessages(messages.filter((m) => passes(m, filter))),
    [messages, filter],
  );
  const { list, onScroll } = useStickToEnd(groups);
  const onFix = useMemo(
    () =>
      isTurnRunning
        ? null
        : (message: PageMessage) =>
            conversation.ask({
              mode: "fix",
              prompt: fixPrompt(message),
            }),
    [isTurnRunning, conversation],
  );

  return (
    <section
      id="preview-console"
      aria-label={t.preview.console}
      className={css.console}
    >
      <div className={css.consoleBar}>
        <div
          role="group"
          aria-label={t.preview.filter}
          className={css.consoleFilters}
        >
          {FILTERS.map((name) => (
            <Button
              key={name}
              tone="ghost"
              size="small"
              aria-pressed={filter === name}
              onClick={() => setFilter(name)}
            >
              {t.preview.filters[name]}
            </Button>
          ))}
        </div>
        <IconButton
          size="small"
          label={t.preview.clear}
          icon={<Eraser aria-hidden="true" />}
          onClick={() => pageLog.clear()}
        />
        <IconButton
          size="small"
          label={t.preview.closeConsole}
          icon={<X aria-hidden="true" />}
          onClick={onClose}
        />
      </div>
      <ScrollArea
        area={list}
        label={t.preview.messages}
        className={css.messages}
        onScroll={onScroll}
      >
        {groups.length === 0 ? (
          <p className={css.noMessages}>
            {messages.length === 0
              ? t.preview.noMessages
              : t.preview.noneOfThese}
          </p>
        ) : (
          <ol>
            {groups.map(({ message, times }) => (
              <Row
                key={message.id}
                message={message}
                times={times}
                hasFile={hasFile}
                onFix={onFix}
              />
            ))}
          </ol>
        )}
      </ScrollArea>
    </section>
  );
}
