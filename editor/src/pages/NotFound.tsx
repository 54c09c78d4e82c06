import { Compass } from "lucide-react";
import { Link } from "wouter";
import { paths } from "../app/paths";
import { useTitle } from "../app/title";
import { t } from "../strings";
import { buttonClass, Empty } from "../ui";

export default function NotFound() {
  useTitle(t.errors.notFoundTitle);
  return (
    <main>
      <Empty
        icon={<Compass aria-hidden="true" />}
        title={t.errors.notFoundTitle}
        action={
          <Link href={paths.home} className={buttonClass("primary")}>
            {t.errors.goHome}
          </Link>
        }
      >
        {t.errors.notFoundText}
      </Empty>
    </main>
  );
}
