import { useQueryClient } from "@tanstack/react-query";
import { CircleCheck, CloudOff, WifiOff } from "lucide-react";
import { useEffect } from "react";
import { t } from "../strings";
import { Button } from "../ui";
import { connection, useReach } from "./connection";
import css from "./ConnectionBanner.module.css";

/** Says that the server cannot be reached, for as long as that is so; then what is shown is asked for again. */
export function ConnectionBanner() {
  const reach = useReach();
  const client = useQueryClient();
  useEffect(() => {
    if (reach === "back") {
      void client.invalidateQueries();
    }
  }, [reach, client]);

  return (
    <div className={css.place} role="status">
      {reach === "offline" && (
        <div className={css.banner}>
          <WifiOff aria-hidden="true" />
          {t.nav.connection.offline}
        </div>
      )}
      {reach === "unreachable" && (
        <div className={css.banner}>
          <CloudOff aria-hidden="true" />
          {t.nav.connection.unreachable}
          <Button size="small" onClick={() => connection.retry()}>
            {t.nav.connection.tryNow}
          </Button>
        </div>
      )}
      {reach === "back" && (
        <div className={css.banner} data-tone="good">
          <CircleCheck aria-hidden="true" />
          {t.nav.connection.back}
        </div>
      )}
    </div>
  );
}
