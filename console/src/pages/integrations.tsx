export function Integrations() { return <div class="page"><h1>Integrations</h1></div>; }
