import { FolderOpen, Settings, SquareTerminal } from "lucide-react";
import type { ReactNode } from "react";
import { Link, useLocation } from "wouter";
import { t } from "../strings";
import { AccountMenu } from "./AccountMenu";
import { Mark } from "./Mark";
import { paths } from "./paths";
import css from "./Shell.module.css";
import { useTitle } from "./title";

const PAGES = [
  { href: paths.home, text: t.nav.projects, Icon: FolderOpen },
  { href: paths.script, text: t.nav.script, Icon: SquareTerminal },
  { href: paths.settings, text: t.nav.settings, Icon: Settings },
];

function Navigation() {
  const [path] = useLocation();
  const isHere = (href: string) =>
    href === paths.home ? path === href : path.startsWith(href);
  return (
    <nav aria-label={t.nav.main} className={css.nav}>
      {PAGES.map(({ href, text, Icon }) => (
        <Link
          key={href}
          href={href}
          className={css.navLink}
          aria-current={isHere(href) ? "page" : undefined}
        >
          <Icon aria-hidden="true" />
          <span>{text}</span>
        </Link>
      ))}
    </nav>
  );
}

export interface ShellProps {
  /** Of the document. */
  title: string;
  /** The page is as high as the window and scrolls inside. */
  fills?: boolean;
  children: ReactNode;
}

/** The frame of every page but the builder and the sign-in. */
export function Shell({ title, fills, children }: ShellProps) {
  useTitle(title);
  return (
    <div className={css.shell} data-fills={fills || undefined}>
      <a href="#content" className={css.skip}>
        {t.common.skipToContent}
      </a>
      <header className={css.bar}>
        <Link
          href={paths.home}
          className={css.brand}
          aria-label={t.common.appName}
        >
          <Mark />
          <span className={css.brandName}>{t.common.appName}</span>
        </Link>
        <Navigation />
        <AccountMenu />
      </header>
      <main id="content" tabIndex={-1} className={css.content}>
        {children}
      </main>
    </div>
  );
}
