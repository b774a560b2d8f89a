/*
 * A stand-in for mqrt.dll, for Wine has none: NOT the library of MSMQ, and no proof of what that does. It says by a file
 * how it was called, then waits for the answer that the test gives in another.
 */
#include <stdio.h>
#include <windows.h>

__declspec(dllexport) HRESULT WINAPI MQRegisterCertificate(DWORD flags, void *buffer, DWORD length) {
  FILE *call = fopen("mqrt-call.tmp", "w");
  if (call == NULL) return (HRESULT)0xC00E0001;
  fprintf(call, "%lu %s %lu\n", flags, buffer == NULL ? "NULL" : "buffer", length);
  fclose(call);
  if (!MoveFileExA("mqrt-call.tmp", "mqrt-call", MOVEFILE_REPLACE_EXISTING)) return (HRESULT)0xC00E0001;
  for (int waits = 0; waits < 600; waits++) {
    unsigned long answer;
    FILE *file = fopen("mqrt-answer", "r");
    if (file != NULL) {
      int found = fscanf(file, "%lx", &answer);
      fclose(file);
      if (found == 1) return (HRESULT)answer;
    }
    Sleep(50);
  }
  return (HRESULT)0xC00E0001;
}
