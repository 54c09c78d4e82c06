import { t } from "../../strings";
import { Button, Spinner } from "../../ui";
import type { Shell } from "./connection";
import type { ScreenHandle } from "./screen";
import css from "./terminal.module.css";

function bannerOf(shell: Shell): { text: string; isBusy: boolean } | null {
  switch (shell.state) {
    case "open":
      return null;
    case "connecting":
      return { text: t.terminal.connecting, isBusy: true };
    case "reconnecting":
      return {
        text:
          shell.failures < 3
            ? t.terminal.reconnecting
            : t.terminal.cannotConnect,
        isBusy: true,
      };
    case "ended":
      return {
        text: t.terminal.ended(shell.signal ?? String(shell.exitCode ?? "?")),
        isBusy: false,
      };
    case "asleep":
      return { text: t.terminal.asleep, isBusy: false };
    case "taken":
      return { text: t.terminal.taken, isBusy: false };
  }
}

/** What there is to say of the shell, and what to do about it. */
export function Banner({
  shell,
  screen,
}: {
  shell: Shell;
  screen: ScreenHandle | null;
}) {
  const banner = bannerOf(shell);
  return (
    <div role="status" className={css.bannerPlace}>
      {banner && (
        <div className={css.banner} data-state={shell.state}>
          {banner.isBusy && <Spinner />}
          <span>{banner.text}</span>
          {shell.state !== "connecting" && (
            <Button
              size="small"
              onClick={() => {
                screen?.connection.open();
                screen?.terminal.focus();
              }}
            >
              {t.terminal.again[shell.state as keyof typeof t.terminal.again]}
            </Button>
          )}
        </div>
      )}
    </div>
  );
}
