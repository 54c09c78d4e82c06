import { useState, type FormEvent } from 'react'
import TaskList from './TaskList.tsx'
import { useTasks } from './useTasks.ts'

const today = new Intl.DateTimeFormat(undefined, { weekday: 'long', day: 'numeric', month: 'long' })

function App() {
  const { tasks, add, toggle, remove } = useTasks()
  const [title, setTitle] = useState('')
  const done = tasks.filter((task) => task.done).length

  function submit(event: FormEvent) {
    event.preventDefault()
    if (title.trim()) {
      add(title.trim())
      setTitle('')
    }
  }

  return (
    <main>
      <header>
        <p className="date">{today.format(new Date())}</p>
        <h1>Today</h1>
        <p className="summary" role="status">
          {tasks.length === 0 ? 'Nothing to do. Enjoy it.' : `${done} of ${tasks.length} done`}
        </p>
        <progress value={done} max={tasks.length || 1} aria-label="Done" />
      </header>

      <TaskList tasks={tasks} onToggle={toggle} onRemove={remove} />

      <form onSubmit={submit}>
        <input
          value={title}
          onChange={(event) => setTitle(event.target.value)}
          placeholder="One more thing"
          aria-label="A new task"
          maxLength={200}
        />
        <button disabled={!title.trim()}>Add</button>
      </form>
    </main>
  )
}

export default App
