export function Logs() { return <div class="page"><h1>Logs</h1></div>; }
