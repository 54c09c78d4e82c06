import { Bot, KeyRound, Palette, UserRound, UsersRound } from "lucide-react";
import type { ComponentType } from "react";
import { Link, Redirect } from "wouter";
import { useMe } from "../../api/queries";
import { paths } from "../../app/paths";
import { Shell } from "../../app/Shell";
import { t } from "../../strings";
import { Account } from "./Account";
import { ApiKeys } from "./ApiKeys";
import { Appearance } from "./Appearance";
import { Models } from "./Models";
import css from "./settings.module.css";
import { Users } from "./Users";

interface Section {
  id: string;
  title: string;
  Icon: ComponentType<{ "aria-hidden": "true" }>;
  Content: ComponentType;
  ownerOnly?: boolean;
}

const SECTIONS: Section[] = [
  {
    id: "account",
    title: t.settings.account.title,
    Icon: UserRound,
    Content: Account,
  },
  {
    id: "appearance",
    title: t.settings.appearance.title,
    Icon: Palette,
    Content: Appearance,
  },
  {
    id: "models",
    title: t.settings.models.title,
    Icon: Bot,
    Content: Models,
  },
  {
    id: "api-keys",
    title: t.settings.apiKeys.title,
    Icon: KeyRound,
    Content: ApiKeys,
  },
  {
    id: "users",
    title: t.settings.users.title,
    Icon: UsersRound,
    Content: Users,
    ownerOnly: true,
  },
];

function Navigation({ sections, here }: { sections: Section[]; here: string }) {
  return (
    <nav aria-label={t.settings.sections} className={css.nav}>
      {sections.map(({ id, title, Icon }) => (
        <Link
          key={id}
          href={`${paths.settings}/${id}`}
          aria-current={id === here ? "page" : undefined}
        >
          <Icon aria-hidden="true" />
          {title}
        </Link>
      ))}
    </nav>
  );
}

export default function Settings({ section }: { section: string | undefined }) {
  const me = useMe();
  const sections = SECTIONS.filter(
    ({ ownerOnly }) => !ownerOnly || me.data?.role === "owner",
  );
  const shown = sections.find(({ id }) => id === section);
  if (!shown) {
    return <Redirect to={`${paths.settings}/${sections[0]!.id}`} replace />;
  }
  const { id, title, Content } = shown;
  return (
    <Shell title={title}>
      <div className={css.page}>
        <h1>{t.settings.title}</h1>
        <Navigation sections={sections} here={id} />
        <section className={css.section} aria-labelledby="section">
          <h2 id="section">{title}</h2>
          <Content />
        </section>
      </div>
    </Shell>
  );
}
