import type { Task } from './useTasks.ts'

type Props = {
  tasks: Task[]
  onToggle: (id: string) => void
  onRemove: (id: string) => void
}

function TaskList({ tasks, onToggle, onRemove }: Props) {
  return (
    <ul>
      {tasks.map((task) => (
        <li key={task.id}>
          <label>
            <input type="checkbox" checked={task.done} onChange={() => onToggle(task.id)} />
            <span>{task.title}</span>
          </label>
          <button className="remove" onClick={() => onRemove(task.id)} aria-label={`Remove ${task.title}`}>
            ×
          </button>
        </li>
      ))}
    </ul>
  )
}

export default TaskList
