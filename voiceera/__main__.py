from voiceera.cli import main

main()
