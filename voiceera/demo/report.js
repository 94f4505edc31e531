"use strict";
// Plays a call's recording, moves the head over its outline, and lights up the turn that is being spoken.
document.querySelectorAll(".call").forEach((call) => {
  const player = call.querySelector(".player");
  if (!player) return;
  const audio = player.querySelector("audio");
  const wave = player.querySelector(".wave");
  const head = player.querySelector(".head");
  const clock = player.querySelector("time");
  const turns = [...call.querySelectorAll(".turns li")];
  const seconds = Number(audio.dataset.seconds);
  let frame = 0;

  const show = () => {
    const now = audio.currentTime;
    head.style.left = `${Math.min(100, (now / seconds) * 100)}%`;
    clock.textContent = `${Math.floor(now / 60)}:${String(Math.floor(now % 60)).padStart(2, "0")}`;
    for (const turn of turns) {
      const spoken = now * 1000 >= Number(turn.dataset.start) && now * 1000 < Number(turn.dataset.end);
      turn.classList.toggle("now", spoken && !audio.paused);
    }
    if (!audio.paused) frame = requestAnimationFrame(show);
  };
  const playFrom = (second) => {
    document.querySelectorAll("audio").forEach((other) => other !== audio && other.pause());
    audio.currentTime = Math.max(0, Math.min(seconds, second));
    audio.play();
  };

  player.querySelector("button").addEventListener("click", () => {
    if (audio.paused) playFrom(audio.currentTime >= seconds - 0.1 ? 0 : audio.currentTime);
    else audio.pause();
  });
  wave.addEventListener("click", (event) => {
    const box = wave.getBoundingClientRect();
    playFrom(((event.clientX - box.left) / box.width) * seconds);
  });
  turns.forEach((turn) => {
    turn.querySelector("button").addEventListener("click", () => playFrom(Number(turn.dataset.start) / 1000));
  });
  audio.addEventListener("play", () => { player.classList.add("playing", "begun"); frame = requestAnimationFrame(show); });
  audio.addEventListener("pause", () => { player.classList.remove("playing"); cancelAnimationFrame(frame); show(); });
  audio.addEventListener("seeked", show);
});
