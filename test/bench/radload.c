// radload: RADIUS accounting load generator (RFC 2866), window-limited, verifies response authenticators.
// usage: radload HOST PORT SECRET TOTAL WINDOW [SESSIONS] [TAG]; TAG begins the session identifiers
// Each socket carries up to 256 outstanding ids; prints requests/s, p50/p99 latency, lost, bad. Exit 1 if any were lost or bad.
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <openssl/md5.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>
typedef unsigned char u8;
static double now(void){struct timespec t;clock_gettime(CLOCK_MONOTONIC,&t);return t.tv_sec+t.tv_nsec/1e9;}
static u8*attr(u8*p,int t,const void*d,int n){p[0]=t;p[1]=n+2;memcpy(p+2,d,n);return p+2+n;}
static u8*attr32(u8*p,int t,unsigned v){unsigned x=htonl(v);return attr(p,t,&x,4);}
struct slot{int busy;double t0,first;int len;u8 pkt[512];int tries;};
static int cmp(const void*a,const void*b){float x=*(float*)a,y=*(float*)b;return x<y?-1:x>y;}
int main(int c,char**v){
  if(c<6){fprintf(stderr,"usage: radload HOST PORT SECRET TOTAL WINDOW [SESSIONS] [TAG]\n");return 2;}
  const char*secret=v[3];int sl=strlen(secret);long total=atol(v[4]);int win=atoi(v[5]);long sess=c>6?atol(v[6]):1000;const char*tag=c>7?v[7]:"a";
  int ns=(win+255)/256;int*fd=calloc(ns,sizeof(int));struct pollfd*pf=calloc(ns,sizeof*pf);struct slot*S=calloc(ns*256,sizeof*S);
  struct sockaddr_in a={.sin_family=AF_INET,.sin_port=htons(atoi(v[2]))};inet_pton(AF_INET,v[1],&a.sin_addr);
  for(int i=0;i<ns;i++){fd[i]=socket(AF_INET,SOCK_DGRAM|SOCK_NONBLOCK,0);int b=4<<20;setsockopt(fd[i],SOL_SOCKET,SO_RCVBUF,&b,sizeof b);connect(fd[i],(void*)&a,sizeof a);pf[i].fd=fd[i];pf[i].events=POLLIN;}
  float*lat=malloc(sizeof(float)*total);long sent=0,done=0,lost=0,bad=0,retx=0;int out=0;double t0=now(),last=t0;int cur=0;
  long*seq=calloc(sess,sizeof(long));
  while(done+lost<total){
    while(out<win&&sent<total){
      int k=-1;for(int i=0;i<ns*256;i++){int j=(cur+i)%(ns*256);if(!S[j].busy){k=j;cur=(j+1)%(ns*256);break;}}
      if(k<0)break;
      struct slot*s=&S[k];u8*p=s->pkt;long sid=sent%sess;long q=seq[sid]++;int st=q==0?1:3; // start then interims
      p[0]=4;p[1]=k&255;u8*e=p+20;char b[64];
      e=attr32(e,40,st);int n=sprintf(b,"%s-%08lx",tag,sid);e=attr(e,44,b,n);
      n=sprintf(b,"00101%010ld",sid);e=attr(e,1,b,n);
      unsigned ip=htonl(0x0a000001u+sid%50);e=attr(e,4,&ip,4);n=sprintf(b,"ap-%03ld",sid%50);e=attr(e,32,b,n);
      n=sprintf(b,"00-11-22-33-44-%02lx:offload",sid%50);e=attr(e,30,b,n);
      e=attr32(e,46,q*60);e=attr32(e,42,(unsigned)(q*100000));e=attr32(e,43,(unsigned)(q*900000));e=attr32(e,52,0);e=attr32(e,53,0);
      e=attr32(e,55,(unsigned)time(0));
      s->len=e-p;p[2]=s->len>>8;p[3]=s->len;memset(p+4,0,16);
      u8 tmp[600];memcpy(tmp,p,s->len);memcpy(tmp+s->len,secret,sl);MD5(tmp,s->len+sl,p+4);
      s->busy=1;s->first=s->t0=now();s->tries=0;sent++;out++;
      if(send(fd[k>>8],p,s->len,0)<0&&errno!=EAGAIN){}
    }
    poll(pf,ns,5);
    for(int i=0;i<ns;i++){u8 r[4096];int n;
      while((n=recv(fd[i],r,sizeof r,0))>0){
        struct slot*s=&S[i*256+r[1]];if(!s->busy||n<20)continue;
        u8 tmp[4200],h[16];memcpy(tmp,r,n);memcpy(tmp+4,s->pkt+4,16);memcpy(tmp+n,secret,sl);MD5(tmp,n+sl,h);
        if(r[0]!=5||memcmp(h,r+4,16)){bad++;continue;}
        lat[done++]=(now()-s->first)*1000;s->busy=0;out--;last=now();
      }}
    double t=now();static double chk;if(t-chk>0.25){chk=t;for(int j=0;j<ns*256;j++)if(S[j].busy&&t-S[j].t0>2){if(S[j].tries++>=4){S[j].busy=0;out--;lost++;}else{S[j].t0=t;retx++;send(fd[j>>8],S[j].pkt,S[j].len,0);}}}
  }
  double el=last-t0;qsort(lat,done,sizeof(float),cmp);
  printf("requests=%ld answered=%ld lost=%ld bad=%ld retransmitted=%ld seconds=%.3f rps=%.0f p50_ms=%.2f p99_ms=%.2f max_ms=%.2f\n",total,done,lost,bad,retx,el,done/el,done?lat[done/2]:0,done?lat[(long)(done*0.99)]:0,done?lat[done-1]:0);
  return lost||bad?1:0;
}
