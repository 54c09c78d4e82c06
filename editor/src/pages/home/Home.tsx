import { Shell } from "../../app/Shell";
import { t } from "../../strings";
import css from "./Home.module.css";
import { Projects } from "./Projects";
import { PromptBox } from "./PromptBox";
import { Templates } from "./Templates";

export default function Home() {
  return (
    <Shell title={t.home.title}>
      <div className={css.hero}>
        <h1>{t.home.heading}</h1>
        <PromptBox />
      </div>
      <div className={css.lists}>
        <Projects />
        <Templates />
      </div>
    </Shell>
  );
}
