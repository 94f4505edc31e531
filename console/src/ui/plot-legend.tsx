export function Legend({ of }: { of: { name: string; colour: string }[] }) {
  return (
    <ul class="legend">
      {of.map(({ name, colour }) => (
        <li key={name}>
          <span class="key" style={{ background: `var(--${colour})` }} /> {name}
        </li>
      ))}
    </ul>
  );
}
