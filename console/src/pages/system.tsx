export function System() { return <div class="page"><h1>System</h1></div>; }
