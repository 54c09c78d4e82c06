import type { AppState } from "../api/types";
import { t } from "../strings";
import { Badge, type Tone } from "../ui";
import css from "./builder.module.css";
import { useBuilder, useSelected } from "./context";

const TONES: Record<AppState, Tone> = {
  stopped: "neutral",
  waiting: "busy",
  preparing: "busy",
  installing: "busy",
  starting: "busy",
  running: "good",
  crashed: "bad",
  exited: "neutral",
  failed: "bad",
};

/** What the project's app does right now. */
export function AppBadge() {
  const { app } = useBuilder();
  const status = useSelected(app, (s) => s.status);
  const reconnecting = useSelected(app, (s) => s.reconnecting);
  if (!status) {
    return null;
  }
  // States may be added to the API: one that is not known shows as it is named.
  const words: string = t.app[status.state] ?? status.state;
  return (
    <span title={status.detail} role="status" className={css.status}>
      <Badge
        tone={reconnecting ? "neutral" : (TONES[status.state] ?? "neutral")}
      >
        <span className="visually-hidden">{t.builder.appLabel} </span>
        {words}
      </Badge>
    </span>
  );
}
