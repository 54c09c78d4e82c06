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
  const asked = useSelected(app, (s) => s.asked);
  if (!status) {
    return null;
  }
  // States may be added to the API: one that is not known shows as it is named.
  const words: string = asked
    ? t.builder.appAsked[asked]
    : (t.app[status.state] ?? status.state);
  const tone = asked ? "busy" : (TONES[status.state] ?? "neutral");
  return (
    <span
      title={asked ? undefined : status.detail}
      role="status"
      className={css.status}
    >
      <Badge tone={reconnecting ? "neutral" : tone}>
        <span className="visually-hidden">{t.builder.appLabel} </span>
        {words}
      </Badge>
    </span>
  );
}
