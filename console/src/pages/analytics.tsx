export function Analytics() { return <div class="page"><h1>Analytics</h1></div>; }
