export function Profile() { return <div class="page"><h1>Profile</h1></div>; }
