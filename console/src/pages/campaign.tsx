export function Campaign() { return <div class="page"><h1>Campaign</h1></div>; }
